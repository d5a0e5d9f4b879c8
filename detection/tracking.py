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
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from django.conf import settings

from detection import modelcards
from detection.card import Card
from detection.weights import Weights

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


def log(network: Weights) -> str:
    """Log one training, its figures with their intervals, its files and its card as a page.

    Returns
    -------
    str
        The id of the MLflow run.
    """
    from mlflow.entities import Metric, Param

    mlflow, card = client(), network.card
    tags = {"mlflow.runName": f"{card.name}-{card.version}", "sha256": card.sha256}
    run = mlflow.create_run(experiment_of(mlflow, card.name), tags=tags)
    key, now = run.info.run_id, run.info.start_time
    parameters = [
        Param(name, str(value)[:LONGEST_VALUE]) for name, value in parameters_of(card).items()
    ]
    figures = [Metric(name, value, now, 0) for name, value in figures_of(card).items()]
    mlflow.log_batch(key, metrics=figures, params=parameters)
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{card.name}-{card.version}.onnx"
        path.write_bytes(network.content)
        path.with_suffix(".json").write_text(card.to_json(), encoding="utf-8")
        mlflow.log_artifacts(key, folder)
    mlflow.log_text(key, modelcards.page_of(card), "model_card.md")
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
    """Give what a training was asked to do, flat: whatever the network does."""
    training = card.training
    plain = {name: value for name, value in training.items() if not isinstance(value, dict)}
    asked = {
        f"{before}{name}": value
        for part, before in (("preset", ""), ("tuning", "tuning_"))
        for name, value in training.get(part, {}).items()
    }
    tables = {name: json.dumps(training[name]) for name in ("libraries", "real_files")
              if training.get(name)}  # fmt: skip
    return {
        "model_type": card.model_type,
        "normalisation": card.normalisation,
        **card.architecture, **plain, **asked, **tables,
    }  # fmt: skip


def figures_of(card: Card) -> dict[str, float]:
    """Give what a training has reached, flat.

    A figure with an interval becomes three: ``auc``, ``auc_low`` and ``auc_high``.
    """
    parts = {
        "threshold": card.thresholds,
        "calibration": asdict(card.calibration),
        "seconds": card.training.get("seconds_by_step", {}),
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
