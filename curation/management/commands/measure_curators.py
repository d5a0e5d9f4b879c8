"""Weigh all verdicts, make gold of what many agree on, and measure the curators."""

import json
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandParser

from astrid.core.commands import AstridCommand
from astrid.core.console import show, table
from curation import gold, skill
from curation.models import AgreementRun
from curation.weighing import weigh


class Command(AstridCommand):
    """Make agreement, label probabilities and skills anew from the events."""

    help = "Weigh all verdicts and measure the curators; docs/review.md explains the figures."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the output."""
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Weigh, then measure everybody who ever judged."""
        run = weigh()
        promoted = gold.promote()
        people = list(skill.judges())
        skill.measure(people)
        if options["json"]:
            self.stdout.write(json.dumps(_plain(run, promoted, people), allow_nan=False))
        else:
            show(_table(run, people))


def _plain(run: AgreementRun, promoted: int, people: list[User]) -> dict[str, Any]:
    return {
        "events": run.events,
        "detections": run.detections,
        "prevalence": run.prevalence,
        "alpha": run.alpha,
        "pairs": run.pairs,
        "new_gold": promoted,
        "curators": {person.get_username(): _skill(person) for person in people},
    }


def _skill(person: User) -> dict[str, Any]:
    found = skill.skill_of(person)
    return {
        "completeness": found.completeness.as_json(),
        "false_positive_rate": found.false_positives.as_json(),
        "median_seconds": found.median_seconds,
    }


def _table(run: AgreementRun, people: list[User]) -> Any:
    rows = []
    for person in people:
        found = skill.skill_of(person)
        seconds = found.median_seconds
        rows.append(
            [
                person.get_username(),
                str(run.curators.get(person.get_username(), {}).get("votes", 0)),
                found.completeness.in_words(),
                found.false_positives.in_words(),
                "" if seconds is None else f"{seconds:.1f}",
            ]
        )
    alpha = "unknown" if run.alpha is None else f"{run.alpha:.3f}"
    title = f"{run.events} verdicts on {run.detections} detections, alpha {alpha}"
    header = ["curator", "votes", "completeness", "false positives", "median s"]
    return table(title, header, rows)
