"""Train the U-Net from nothing but the code and a seed."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from astrid.core.commands import AstridCommand
from detection import documentation, tracking
from detection.card import Card
from detection.dataset import PRESETS
from detection.training import train
from observations.reading_arguments import file_to_write, folder_to_write


class Command(AstridCommand):
    """Simulate scenes, take them through the pipeline, train, calibrate, measure, export."""

    help = "Train the U-Net on simulated scenes; write the ONNX file, its card and its page."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--preset", choices=sorted(PRESETS), default="default")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument(
            "--out",
            type=folder_to_write,
            metavar="DIR",
            help="default: models/PRESET-SEED in the state folder",
        )
        parser.add_argument(
            "--page", type=file_to_write, help="write the model card as Markdown here"
        )
        parser.add_argument("--mlflow", action="store_true", help="log the run to MLflow")
        parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        """Train and print."""
        if options["seed"] < 0:
            raise CommandError(f"--seed is {options['seed']}: it must be 0 or more")
        name = f"{options['preset']}-{options['seed']}"
        out = options["out"] or Path(settings.STATE) / "models" / name
        try:
            card = train(PRESETS[options["preset"]], options["seed"], out)
        except ValueError as error:
            raise CommandError(str(error)) from error
        if options["page"]:
            options["page"].write_text(documentation.page(card), encoding="utf-8")
        if options["mlflow"]:
            tracking.log(card, out)
        self.report(card, as_json=options["json"])

    def report(self, card: Card, *, as_json: bool) -> None:
        """Print the card, whole or in four lines."""
        if as_json:
            self.stdout.write(json.dumps(json.loads(card.to_json())))
            return
        figures = card.metrics
        self.stdout.write(f"{card.name} {card.version}  {card.sha256}")
        for name in ("auc", "fpr_at_tpr95", "ece"):
            found = figures[name]
            self.stdout.write(
                f"{name:13} {found['value']:.4f}  [{found['low']:.4f}, {found['high']:.4f}]"
            )
