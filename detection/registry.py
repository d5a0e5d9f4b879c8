"""Networks as rows: which one is in force, which one challenges it, and where its weights are."""

from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from astrid.core import store
from astrid.core.errors import BadWeights, CorruptFile, MissingFile
from astrid.core.hints import nudge
from astrid.core.locks import queue_up
from detection import modelcards, weights
from detection.card import Card, parse_card
from detection.models import Model, ModelType
from detection.weights import Weights


def active() -> Model:
    """Give the U-Net in force; the first time that is the one shipped with the code."""
    row = champion(ModelType.UNET)
    return register(weights.DEFAULT, activate=True) if row is None or is_left_out(row) else row


def in_force(model_type: str) -> Model | None:
    """Give the network of a type in force.

    The first time, and when a newer release of the code has another one in the place of the one
    in force, that is the one shipped.
    """
    shipped = weights.SHIPPED.get(model_type)
    row = champion(model_type)
    is_due = row is None or is_left_out(row)
    return register(shipped, activate=True) if is_due and shipped else row


def is_left_out(row: Model) -> bool:
    """Say whether a network came with an earlier release of the code, which held its file."""
    name = f"{row.name}-{row.version}.onnx"
    return row.model_path == name and not (weights.DEFAULT.parent / name).exists()


def champion(model_type: str) -> Model | None:
    """Give the network of a type that is in force."""
    return Model.objects.filter(model_type=model_type, is_active=True).first()


def challenger(model_type: str) -> Model | None:
    """Give the network of a type that scores beside the one in force."""
    return Model.objects.filter(model_type=model_type, is_challenger=True).first()


def find(name: str, version: str) -> Model:
    """Give a registered network.

    Raises
    ------
    BadWeights
        If there is none; the message lists those that there are.
    """
    row = Model.objects.filter(name=name, version=version).first()
    if row is None:
        known = ", ".join(map(str, Model.objects.all())) or "none"
        raise BadWeights(f"no network is registered as {name} {version}; there are: {known}")
    return row


def register(path: Path, *, activate: bool = False) -> Model:
    """Enter trained weights as a row, after checking them; known weights are returned.

    Weights that do not come with the code go to the file store, where all hosts find them.
    ``activate`` is for the weights that come with the code; others are promoted by people
    (:mod:`detection.promotion`).
    """
    return enter(weights.load(path), activate=activate)


@transaction.atomic
def enter(network: Weights, *, activate: bool = False) -> Model:
    """Enter opened weights as a row; see :func:`register`."""
    queue_up("model registry")
    card = network.card
    row, _ = Model.objects.get_or_create(
        name=card.name, version=card.version, defaults=_facts(network)
    )
    if row.sha256 != card.sha256:
        raise BadWeights(
            f"{row} is registered with SHA-256 {row.sha256[:12]}…, {network.path} has "
            f"{card.sha256[:12]}…; give the new weights a new version"
        )
    if activate and not row.is_active:
        put_in_force(row)
    return row


def _facts(network: Weights) -> dict[str, Any]:
    """Copy what the card says into the columns of a row; keep the files."""
    card = network.card
    return {
        "model_type": card.model_type,
        **_files(network),
        "sha256": card.sha256,
        "architecture": card.architecture,
        "hyperparameters": card.training,
        "training_dataset": _data_of(card),
        "training_metrics": card.metrics,
        "thresholds": card.thresholds,
        "calibration": asdict(card.calibration),
        "training_duration_seconds": card.training.get("seconds"),
        "model_card": modelcards.page_of(card),
    }


def _files(network: Weights) -> dict[str, str]:
    if network.path.parent == weights.DEFAULT.parent:
        return {"model_path": network.path.name}
    return {
        "model_path": store.put(network.content),
        "card_path": store.put(network.card.to_json().encode()),
    }


def _data_of(card: Card) -> str:
    """Say in a few words what a network learned from."""
    facts = card.training
    if "classifier" in facts:
        return f"{facts['samples']} embeddings by {facts['classifier']}"
    real = len(facts.get("real_files", {}))
    beside = f" and {real} files of real data" if real else ""
    return f"simulated scenes, seed {facts.get('seed')}{beside}"


@transaction.atomic
def put_in_force(row: Model) -> None:
    """Make a network the champion; the one before it steps back.

    The anomaly detector that was fitted to a classifier comes and goes with it: it knows the
    embeddings of this one only.
    """
    queue_up("model registry")
    for one in filter(None, (row, detector_of(row))):
        Model.objects.filter(model_type=one.model_type, is_active=True).update(is_active=False)
        one.is_active, one.is_challenger, one.deployment_date = True, False, timezone.now()
        one.save(update_fields=["is_active", "is_challenger", "deployment_date", "updated_at"])


def detector_of(classifier: Model) -> Model | None:
    """Give the newest anomaly detector that was fitted to a classifier."""
    return (
        Model.objects.filter(
            model_type=ModelType.ANOMALY_DETECTOR,
            hyperparameters__embedding_of=classifier.sha256,
        )
        .order_by("-id")
        .first()
    )


@transaction.atomic
def challenge(row: Model) -> None:
    """Let a network score beside the champion; the challenger before it steps back.

    Raises
    ------
    BadWeights
        If it is the champion, or its weights cannot be used.
    """
    queue_up("model registry")
    row.refresh_from_db()
    if row.is_active:
        raise BadWeights(f"{row} is in force already: it cannot challenge itself")
    open_weights(row)
    Model.objects.filter(model_type=row.model_type, is_challenger=True).update(is_challenger=False)
    row.is_challenger = True
    row.save(update_fields=["is_challenger", "updated_at"])
    nudge("detection.tasks.mirror_models")


def open_weights(row: Model) -> Weights:
    """Open the weights of a row, checked against the hash in it; once per process."""
    if not row.model_path:
        raise BadWeights(f"{row} has no weights file; run train_model and register the result")
    return _open(row.model_path, row.card_path, row.sha256)


# Two networks of each type, and those that a promotion has just replaced.
@lru_cache(maxsize=8)
def _open(path: str, card_path: str, sha256: str) -> Weights:
    if card_path:
        return _stored(path, card_path, sha256)
    return weights.load(weights.DEFAULT.parent / path, sha256=sha256)


def _stored(path: str, card_path: str, sha256: str) -> Weights:
    try:
        content, card = store.get(path), store.get(card_path)
    except (MissingFile, CorruptFile) as error:
        raise BadWeights(f"weights cannot be read: {error}") from error
    return weights.opened(content, parse_card(card, card_path), Path(path), sha256)
