"""Fit the anomaly detector to a classifier and the data of its training."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from astrid.core.commands import AstridCommand
from detection import tracking, weights
from detection.anomalytraining import NAME, VERSION, train_for
from detection.card import CLASSIFIER, Card
from detection.stampnet.dataset import STAMP_PRESETS, make_split, read_real
from detection.weights import Weights


class Command(AstridCommand):
    """Measure where the embeddings of everything learned lie, and how far the rest is."""

    help = (
        "Fit the anomaly detector to the embeddings that a classifier makes of its own training "
        "data; name preset, seed and real data as they were named to train_model."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--preset", choices=sorted(STAMP_PRESETS), default="default")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--real", type=Path, metavar="FOLDER", help="as for train_model")
        parser.add_argument(
            "--classifier",
            type=Path,
            default=weights.SHIPPED[CLASSIFIER],
            help="ONNX file; default: the one shipped",
        )
        parser.add_argument(
            "--out", type=Path, metavar="DIR", help="default: models/anomaly in the state folder"
        )
        parser.add_argument("--mlflow", action="store_true", help="log the fit to MLflow")
        parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the data, fit, write, print."""
        card, path = self.trained(options)
        if options["mlflow"]:
            tracking.log(weights.load(path))
        if options["json"]:
            self.stdout.write(card.to_json())
            return
        share = card.metrics["called_unknown"]
        self.stdout.write(
            f"{path}: {share['value']:.2%} of {card.training['held_out']} held-out candidates are "
            f"called unknown [{share['low']:.2%}, {share['high']:.2%}]"
        )

    def trained(self, options: dict[str, Any]) -> tuple[Card, Path]:
        """Make the data and fit."""
        classifier = weights.load(options["classifier"])
        check_same(classifier, options)
        preset, seed, real = STAMP_PRESETS[options["preset"]], options["seed"], options["real"]
        out = options["out"] or Path(settings.STATE) / "models" / "anomaly"
        path = out / f"{NAME}-{VERSION}.onnx"
        try:
            sky = read_real(real, preset.frame_pairs, seed) if real else None
            return train_for(classifier, make_split(preset, seed, sky), path), path
        except ValueError as error:
            raise CommandError(str(error)) from error


def check_same(classifier: Weights, options: dict[str, Any]) -> None:
    """Refuse other data than those that the classifier learned from."""
    said = classifier.card.training
    asked = (options["preset"], options["seed"], options["real"] is not None)
    learned = (said["preset_name"], said["seed"], bool(said["real_files"]))
    if asked != learned:
        raise CommandError(
            f"{classifier.card.name} {classifier.card.version} was trained with (preset, seed, "
            f"real data) {learned}, not {asked}: name the same"
        )
