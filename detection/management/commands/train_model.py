"""Train a network from nothing but the code, a seed and, where there are any, real data."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from astrid.core.commands import AstridCommand
from astrid.core.errors import AstridError
from detection import documentation, tracking, weights
from detection.card import Card
from detection.dataset import PRESETS
from detection.stampnet import documentation as stamp_documentation
from detection.stampnet import training as stamp_training
from detection.stampnet.dataset import STAMP_PRESETS
from detection.training import train
from observations.reading_arguments import file_to_write, folder_to_write

STAMPS, UNET = "stamps", "unet"


class Command(AstridCommand):
    """Make the data, train, calibrate, measure, export."""

    help = (
        "Train the stamp network or the U-Net; write the ONNX file, its card and its page. "
        "Simulated scenes need nothing; --real adds real data to the stamp network's."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--network", choices=[STAMPS, UNET], default=STAMPS)
        parser.add_argument("--preset", choices=sorted(STAMP_PRESETS), default="default")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument(
            "--real",
            type=Path,
            metavar="FOLDER",
            help="*.npz files of labelled stamps and frames/FIELD/*.fits as reduce writes them",
        )
        parser.add_argument(
            "--crossfit",
            action="store_true",
            help="train twice more to measure on labelled objects that were not learned",
        )
        parser.add_argument(
            "--out",
            type=folder_to_write,
            metavar="DIR",
            help="default: models/NETWORK-PRESET-SEED in the state folder",
        )
        parser.add_argument(
            "--page", type=file_to_write, help="write the model card as Markdown here"
        )
        parser.add_argument("--mlflow", action="store_true", help="log the training to MLflow")
        parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        """Train and print."""
        refuse(options)
        out = options["out"] or Path(settings.STATE) / "models" / "-".join(
            (options["network"], options["preset"], str(options["seed"]))
        )
        try:
            card = self.trained(options, out)
        except (ValueError, OSError, AstridError) as error:
            raise CommandError(str(error)) from error
        if options["page"]:
            pages = documentation if options["network"] == UNET else stamp_documentation
            options["page"].write_text(pages.page(card), encoding="utf-8")
        if options["mlflow"]:
            tracking.log(weights.load(out / f"{card.name}-{card.version}.onnx"))
        self.report(card, as_json=options["json"])

    def trained(self, options: dict[str, Any], out: Path) -> Card:
        """Train what was asked for."""
        if options["network"] == UNET:
            return train(PRESETS[options["preset"]], options["seed"], out)
        if options["real"] is None:
            self.stderr.write("no --real folder: the network learns from simulation only")
        return stamp_training.train(
            STAMP_PRESETS[options["preset"]],
            options["seed"],
            out,
            real=options["real"],
            crossfit=options["crossfit"],
        )

    def report(self, card: Card, *, as_json: bool) -> None:
        """Print the card, whole or in a few lines."""
        if as_json:
            self.stdout.write(json.dumps(json.loads(card.to_json())))
            return
        self.stdout.write(f"{card.name} {card.version}  {card.sha256}")
        parts = card.metrics if "simulated" in card.metrics else {"simulated": card.metrics}
        for part, figures in parts.items():
            for name in ("auc", "fpr_at_tpr95", "ece") if figures else ():
                found = figures[name]
                self.stdout.write(
                    f"{part:17} {name:13} {found['value']:.4f}  "
                    f"[{found['low']:.4f}, {found['high']:.4f}]"
                )


def refuse(options: dict[str, Any]) -> None:
    """Refuse options that do not go together."""
    is_unet = options["network"] == UNET
    if options["seed"] < 0:
        raise CommandError(f"--seed is {options['seed']}: it must be 0 or more")
    if is_unet and options["preset"] not in PRESETS:
        raise CommandError(f"the U-Net has presets {sorted(PRESETS)}, not {options['preset']}")
    if is_unet and (options["real"] or options["crossfit"]):
        raise CommandError("--real and --crossfit are for --network stamps")
    if options["crossfit"] and not options["real"]:
        raise CommandError("--crossfit measures on real data: name their folder by --real")
