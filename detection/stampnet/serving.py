"""The exported ensemble asked about stamps."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detection.card import Card
from detection.ensemble import Judged, joined, weigh
from detection.stampnet.sight import INPUTS, Views, batches, look
from detection.stampnet.stamps import Stamps
from detection.weights import CLASS, EMBEDDING, REAL, Weights

NAME = "astrid-stamps"
DEFAULT = Path(__file__).parents[1] / "weights" / f"{NAME}-2.onnx"


def judge(network: Weights, stamps: Stamps) -> Judged:
    """Ask the ensemble about stamps, a batch at a time.

    Raises
    ------
    ValueError
        If there is no stamp or one cannot be looked at; see
        :func:`detection.stampnet.sight.look`.
    """
    parts = [answers(network, look(part)) for part in batches(stamps)]
    if not parts:
        raise ValueError("no stamps")
    calibration = network.card.calibration
    return joined([weigh(real, kinds, seen, calibration) for real, kinds, seen in parts])


def answers(network: Weights, views: Views) -> list[NDArray[np.float32]]:
    """Give the members' log odds, their classes' log odds, and the embedding."""
    inputs = {name: getattr(views, name) for name in INPUTS}
    return list(network.session.run([REAL, CLASS, EMBEDDING], inputs))


def class_probabilities(judged: Judged, card: Card) -> dict[str, NDArray[np.floating]]:
    """Give the probability of every class and of an artifact; they sum to 1."""
    shares = judged.confidence[:, None] * judged.kinds
    named = dict(zip(card.classes, shares.T, strict=True))
    return named | {"artifact": 1 - judged.confidence}
