"""Networks as rows: which one is active, and where its weights are."""

from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from astrid.core.errors import BadWeights
from astrid.core.locks import queue_up
from detection import weights
from detection.card import Card
from detection.models import Model, ModelType
from detection.weights import Weights


def active() -> Model:
    """Give the U-Net in force; the first time that is the one shipped with the code."""
    row = Model.objects.filter(model_type=ModelType.UNET, is_active=True).first()
    return row or register(weights.DEFAULT, activate=True)


@transaction.atomic
def register(path: Path, *, activate: bool = False) -> Model:
    """Enter trained weights as a row, after checking them; known weights are returned."""
    queue_up("model registry")
    card = weights.load(path).card
    row, _ = Model.objects.get_or_create(
        name=card.name, version=card.version, defaults=_facts(path, card)
    )
    if row.sha256 != card.sha256:
        raise BadWeights(
            f"{row} is registered with SHA-256 {row.sha256[:12]}…, {path} has "
            f"{card.sha256[:12]}…; give the new weights a new version"
        )
    if activate and not row.is_active:
        promote(row)
    return row


def _facts(path: Path, card: Card) -> dict[str, Any]:
    """Copy what the card says into the columns of a row."""
    is_shipped = path.parent == weights.DEFAULT.parent
    return {
        "model_type": ModelType.UNET,
        "model_path": path.name if is_shipped else str(path),
        "sha256": card.sha256,
        "architecture": card.architecture,
        "hyperparameters": card.training,
        "training_dataset": f"simulated scenes, seed {card.training.get('seed')}",
        "training_metrics": card.metrics,
        "thresholds": card.thresholds,
        "calibration": asdict(card.calibration),
        "training_duration_seconds": card.training["seconds"],
    }


@transaction.atomic
def promote(row: Model) -> None:
    """Put a network in force; the one before it steps back."""
    Model.objects.filter(model_type=row.model_type, is_active=True).update(is_active=False)
    row.is_active, row.deployment_date = True, timezone.now()
    row.save(update_fields=["is_active", "deployment_date", "updated_at"])


def open_weights(row: Model) -> Weights:
    """Open the weights of a row, checked against the hash in it; once per process."""
    if not row.model_path:
        raise BadWeights(f"{row} has no weights file; run train_model and register the result")
    return _open(row.model_path, row.sha256)


@lru_cache(maxsize=4)
def _open(path: str, sha256: str) -> Weights:
    shipped = weights.DEFAULT.parent / path
    return weights.load(shipped if shipped.exists() else Path(path), sha256=sha256)
