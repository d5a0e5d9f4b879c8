"""Learn from verdicts: a snapshot of them, and a challenger."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from astrid.core.commands import AstridCommand
from astrid.core.console import show, table
from catalog import config
from catalog.audit import by_operator
from curation.lessons import Lessons, collect
from detection import networks
from detection.lessons import Lesson, counted
from detection.models import Model
from detection.retraining import Retrained, recalibrate, retrain

OTHER = "scored by another network"


class Command(AstridCommand):
    """Let the network in force learn from verdicts, as a new version that challenges it."""

    help = (
        "Learn from verdicts: the latest of each detection, weighted by how sure its curator was "
        "and by how many candidates it stands for; disputed, unsure and gold ones are left out. "
        "The weights are fitted to them and to the simulated scenes of the first training. "
        "Parts of the sky are for learning, for calibration or for judging, never for two. Makes "
        "a challenger; compare_models and promote_model say what becomes of it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--dry-run", action="store_true", help="count the lessons and stop", dest="dry"
        )
        parser.add_argument(
            "--calibration-only",
            action="store_true",
            help="leave the weights as they are and fit what the confidence means",
        )
        parser.add_argument(
            "--real",
            type=Path,
            metavar="FOLDER",
            help="real data of the first training, to be met again; as for train_model",
        )
        parser.add_argument("--seed", type=int, help="default: that of the setting retraining")
        parser.add_argument(
            "--workers", type=int, default=2, help="processes that simulate scenes (2)"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        """Collect, learn and print."""
        parameters = config.get("retraining")
        with by_operator("retrain_model"):
            champion = networks.in_force().model
            found = collect(parameters)
            chosen = found.rows
            if options["calibration_only"]:
                chosen = [one for one in chosen if one.detection.model_run.model_id == champion.pk]
            done = None if options["dry"] else self.learned(champion, chosen, options)
        report = self.report(found, chosen, done)
        if options["json"]:
            self.stdout.write(json.dumps(report))
            return
        self.show(report)

    def learned(self, champion: Model, chosen: list[Lesson], options: dict[str, Any]) -> Retrained:
        """Make the challenger that was asked for."""
        rule = asdict(config.get("retraining")) | {"workers": options["workers"]}
        if options["seed"] is not None:
            rule["seed"] = options["seed"]
        if options["calibration_only"]:
            return recalibrate(champion, chosen, rule)
        return retrain(champion, chosen, rule, options["real"])

    def report(
        self, found: Lessons, chosen: list[Lesson], done: Retrained | None
    ) -> dict[str, Any]:
        """Say what was learned from, what was left out, and what came of it."""
        left_out = {**found.left_out, OTHER: len(found.rows) - len(chosen)}
        report = {
            "lessons": len(chosen),
            "rows": counted(chosen),
            "left_out": {reason: number for reason, number in left_out.items() if number},
        }
        if done is None:
            return report
        return report | {
            "challenger": str(done.challenger),
            "dataset": done.dataset.name,
            "dataset_sha256": done.dataset.sha256,
            "files": done.dataset.rule["files"],
            "figures": done.run.performance_metrics,
        }

    def show(self, report: dict[str, Any]) -> None:
        """Print the counts as a table and the rest as lines."""
        header = ["label", "from", "survey", "rows", "weight"]
        rows = [
            [*(str(row[name]) for name in header[:4]), f"{row['weight']:.1f}"]
            for row in report["rows"]
        ]
        show(table(f"{report['lessons']} lessons", header, rows))
        for reason, number in report["left_out"].items():
            self.stdout.write(f"left out, {reason}: {number}")
        if "challenger" in report:
            self.stdout.write(f"{report['challenger']} challenges: {outcome(report['figures'])}")


def outcome(figures: dict[str, Any]) -> str:
    """Say in words what came of it, on parts of the sky that it did not learn from."""
    if "verdicts" not in figures:
        before, after = (figures[name]["value"] for name in ("ece_before", "ece"))
        return f"calibration error {before:.4f} before, {after:.4f} after, on other sky"
    said = []
    for name, words in (("verdicts", "on verdicts of other sky"), ("simulated", "on simulations")):
        change = figures[name]["auc"]["difference"]
        said.append(
            f"AUC {change['value']:+.4f} [{change['low']:+.4f}, {change['high']:+.4f}] {words}"
        )
    return ", ".join(said)
