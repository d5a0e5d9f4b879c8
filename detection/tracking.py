"""Trainings in MLflow, for those who keep their experiments there. Nothing else needs it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings

from detection.card import Card

EXPERIMENT = "astrid-unet"


def log(card: Card, folder: Path) -> str:
    """Log one training, its figures and its files; give the id of the MLflow run.

    MLflow takes seconds to import, so it is imported here.
    """
    import mlflow

    mlflow.set_tracking_uri(settings.MLFLOW_TRACKING_URI)
    mlflow.set_experiment(EXPERIMENT)
    with mlflow.start_run(run_name=f"{card.name}-{card.version}") as run:
        mlflow.log_params(parameters_of(card))
        mlflow.log_metrics(figures_of(card))
        mlflow.set_tag("sha256", card.sha256)
        for path in sorted(folder.glob(f"{card.name}-{card.version}.*")):
            mlflow.log_artifact(str(path))
    return str(run.info.run_id)


def parameters_of(card: Card) -> dict[str, Any]:
    """Give what a training was asked to do, flat."""
    training = card.training
    return {
        "seed": training["seed"],
        **training["preset"],
        **card.architecture,
        "normalisation": card.normalisation,
        "libraries": json.dumps(training["libraries"]),
    }


def figures_of(card: Card) -> dict[str, float]:
    """Give what a training has reached, flat: every figure that has an interval, and the rest."""
    measured = {name: found["value"] for name, found in card.metrics.items() if has_interval(found)}
    return {
        **measured,
        **{f"survey_{name}": value for name, value in card.metrics["survey"].items()},
        **{f"threshold_{name}": value for name, value in card.thresholds.items()},
        **{f"calibration_{name}": value for name, value in asdict(card.calibration).items()},
        **{f"seconds_{name}": value for name, value in card.training["seconds_by_step"].items()},
    }


def has_interval(found: Any) -> bool:
    """Say whether an entry of the metrics is one figure with its interval."""
    return isinstance(found, dict) and set(found) == {"value", "low", "high"}
