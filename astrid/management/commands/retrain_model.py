"""Learn from verdicts: a snapshot of them, and a challenger."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from astrid.core.commands import AstridCommand
from astrid.core.console import show, table
from catalog import config
from catalog.audit import by_operator
from curation.lessons import Lessons, collect
from detection import networks
from detection.lessons import Lesson, counted
from detection.retraining import Retrained, retrain

OTHER = "scored by another network"


class Command(AstridCommand):
    """Fit the network in force to verdicts, as a new version that challenges it."""

    help = (
        "Learn from verdicts: the latest of each detection, weighted by how sure its curator was "
        "and by how many candidates it stands for; disputed, unsure and gold ones are left out. "
        "Parts of the sky are for learning or for judging, never both. Makes a challenger; "
        "compare_models and promote_model say what becomes of it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--dry-run", action="store_true", help="count the lessons and stop", dest="dry"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        """Collect, learn and print."""
        parameters = config.get("retraining")
        with by_operator("retrain_model"):
            champion = networks.in_force().model
            found = collect(parameters)
            own = [one for one in found.rows if one.detection.model_run.model_id == champion.pk]
            done = None if options["dry"] else retrain(champion, own, asdict(parameters))
        report = self.report(found, own, done)
        if options["json"]:
            self.stdout.write(json.dumps(report))
            return
        self.show(report)

    def report(self, found: Lessons, own: list[Lesson], done: Retrained | None) -> dict[str, Any]:
        """Say what was learned from, what was left out, and what came of it."""
        left_out = {**found.left_out, OTHER: len(found.rows) - len(own)}
        report = {
            "lessons": len(own),
            "rows": counted(own),
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
            before, after = (report["figures"][name]["value"] for name in ("ece_before", "ece"))
            self.stdout.write(
                f"{report['challenger']} challenges; calibration error {before:.4f} before, "
                f"{after:.4f} after, on parts of the sky that it did not learn from"
            )
