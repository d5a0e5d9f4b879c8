"""Trainings and versions in MLflow, for those who keep their experiments there.

The database says which network is in force. MLflow mirrors it, and nothing that scores needs it.
MLflow takes seconds to import, so it is imported where it is used.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from detection import documentation
from detection.card import Card

if TYPE_CHECKING:
    from mlflow import MlflowClient

# MLflow tells nobody outside what is done here, gives a server that is away up within seconds,
# and keeps off standard output, which belongs to --json.
MANNERS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
LONGEST_VALUE = 6000  # of a parameter, by MLflow's own limit


def client() -> "MlflowClient":
    """Give a client of the tracking store in the settings."""
    for name, value in MANNERS.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    uri = settings.MLFLOW_TRACKING_URI
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def log(card: Card, folder: Path) -> str:
    """Log one training, its figures with their intervals, its files and its card as a page.

    Returns
    -------
    str
        The id of the MLflow run.
    """
    from mlflow.entities import Metric, Param

    mlflow = client()
    tags = {"mlflow.runName": f"{card.name}-{card.version}", "sha256": card.sha256}
    run = mlflow.create_run(experiment_of(mlflow, card.name), tags=tags)
    key, now = run.info.run_id, run.info.start_time
    parameters = [
        Param(name, str(value)[:LONGEST_VALUE]) for name, value in parameters_of(card).items()
    ]
    figures = [Metric(name, value, now, 0) for name, value in figures_of(card).items()]
    mlflow.log_batch(key, metrics=figures, params=parameters)
    for path in sorted(folder.glob(f"{card.name}-{card.version}.*")):
        mlflow.log_artifact(key, str(path))
    mlflow.log_text(key, documentation.page(card), "model_card.md")
    mlflow.set_terminated(key)
    return str(key)


def experiment_of(mlflow: "MlflowClient", name: str) -> str:
    """Give the id of the experiment of this name, made where there is none."""
    found = mlflow.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    is_server = settings.MLFLOW_TRACKING_URI.startswith("http")
    # A server knows where its files go; without one MLflow would put them where we happen to be.
    location = None if is_server else (Path(settings.STATE) / "mlflow").resolve().as_uri()
    return str(mlflow.create_experiment(name, artifact_location=location))


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
    """Give what a training has reached, flat.

    A figure with an interval becomes three: ``auc``, ``auc_low`` and ``auc_high``.
    """
    parts = {
        "threshold": card.thresholds,
        "calibration": asdict(card.calibration),
        "seconds": card.training["seconds_by_step"],
    }
    return {
        name: float(value) for name, value in (*flat(card.metrics), *flat(parts)) if isfinite(value)
    }


def flat(found: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, float]]:
    """Give every number of nested figures with its path; lists are tables and left out."""
    for name, value in found.items():
        path = before if name == "value" and before else f"{before}_{name}".lstrip("_")
        if isinstance(value, Mapping):
            yield from flat(value, path)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield path, value
