"""Measure two networks in pairs on labelled stamps, and keep the result as proof."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from astrid.core.commands import AstridCommand
from astrid.core.console import show, table
from astrid.core.errors import AstridError
from catalog import config
from catalog.audit import by_operator
from detection import networks, registry
from detection.models import Comparison, Model, ModelType
from detection.surveyscores import in_words
from detection.trials import report_of, try_out

NAMED = ("NAME", "VERSION")


class Command(AstridCommand):
    """Compare the challenger with the champion, or any two registered networks."""

    help = (
        "Measure two networks on the same labelled stamps: AUC, false positives at 95 % "
        "completeness, calibration error, and the paired difference of each with its interval. "
        "By default the challenger with the champion. The result is kept; one on real stamps "
        "within the setting model_promotion is the proof that a promotion needs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare networks and stamps."""
        parser.add_argument("files", type=Path, nargs="+", metavar="FILE.npz")
        parser.add_argument("--champion", nargs=2, metavar=NAMED)
        parser.add_argument("--challenger", nargs=2, metavar=NAMED)
        parser.add_argument(
            "--type", choices=ModelType.values, help="default: that of the network that judges"
        )
        parser.add_argument("--simulated", action="store_true", help="the stamps are no real ones")
        parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure, keep and print."""
        try:
            with by_operator("compare_models"):
                found = [self.compare(path, options) for path in options["files"]]
        except AstridError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps({"comparisons": [report_of(each) for each in found]}))
            return
        for each in found:
            self.report(each)

    def compare(self, path: Path, options: dict[str, Any]) -> Comparison:
        """Compare on one file."""
        champion, challenger = (self.row(role, options) for role in ("champion", "challenger"))
        margins = config.get("model_promotion")
        return try_out(challenger, champion, path, margins, is_real_set=not options["simulated"])

    def row(self, role: str, options: dict[str, Any]) -> Model:
        """Find the network of a role: the one that was named, or the one that has it."""
        if options[role]:
            return registry.find(*options[role])
        judge = networks.in_force().model
        kind = options["type"] or judge.model_type
        if role == "champion" and kind == judge.model_type:
            return judge
        found: Model | None = getattr(registry, role)(kind)
        if found is None:
            raise CommandError(
                f"there is no {role} of type {kind}: name one with --{role} NAME "
                "VERSION, or make one with retrain_model or promote_model FILE.onnx"
            )
        return found

    def report(self, found: Comparison) -> None:
        """Print one table and the verdict."""
        names = ("champion", "challenger", "difference")
        rows = [
            [figure, *(_written(values[name]) for name in names)]
            for figure, values in found.figures.items()
        ]
        title = f"{found} ({found.real} real, {found.bogus} bogus; 95 % intervals)"
        show(table(title, ["figure", *names], rows))
        for name, beside in found.survey_scores.items():
            self.stdout.write(f"{found.challenger} beside {name}: {in_words(beside)}")
        for words in found.shortcomings:
            self.stdout.write(f"not shown to be as good: {words}")
        if not found.is_real_set:
            self.stdout.write("no proof: the stamps are simulated")
        if found.is_proof:
            self.stdout.write(f"{found.challenger} is shown to be no worse; promote_model may ask")


def _written(figure: dict[str, float]) -> str:
    return f"{figure['value']:.4f} [{figure['low']:.4f}, {figure['high']:.4f}]"
