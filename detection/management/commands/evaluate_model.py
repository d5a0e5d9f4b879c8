"""Measure a network on labelled stamps."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from astrid.core.commands import AstridCommand
from astrid.core.errors import AstridError
from detection.stampnet import serving
from detection.stampnet.labelled import evaluate
from detection.stamps import read_stamps
from detection.surveyscores import in_words
from detection.weights import load


class Command(AstridCommand):
    """Print AUC, false positives at 95 % completeness and calibration error, with intervals."""

    help = (
        "Measure a network on an npz file of stamps (triplets: science, reference, difference, "
        "optionally S_corr) and labels (1 real, 0 bogus)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("file", type=Path, metavar="FILE.npz")
        parser.add_argument(
            "--weights",
            type=Path,
            default=serving.DEFAULT,
            help="ONNX file of a stamp network or a U-Net; default: the stamp network shipped",
        )
        parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        """Evaluate and print."""
        try:
            report = evaluate(load(options["weights"]), read_stamps(options["file"]))
        except (AstridError, ValueError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(report))
            return
        self.stdout.write(f"{report['model']} on {report['real']} real, {report['bogus']} bogus")
        for name in ("auc", "fpr_at_tpr95", "ece"):
            low, high = report[f"{name}_interval"]
            self.stdout.write(f"{name:13} {report[name]:.4f}  [{low:.4f}, {high:.4f}]")
        for name, found in report["survey_scores"].items():
            self.stdout.write(f"{name:13} {in_words(found)}")
        for name, found in report.get("classes", {}).items():
            self.stdout.write(
                f"{name:13} {found['value']:.4f}  [{found['low']:.4f}, {found['high']:.4f}]"
            )
