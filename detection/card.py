"""The card beside the weights: what a network is, how it was made and what it can do."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from astrid.core.errors import BadWeights
from detection.calibration import Calibration

UNET, CLASSIFIER, ANOMALY = "unet", "classifier", "anomaly_detector"
KINDS = (UNET, CLASSIFIER, ANOMALY)


@dataclass(frozen=True, kw_only=True)
class Card:
    """Everything that must be known to use, judge and remake one network.

    Attributes
    ----------
    model_type : str
        What the network does: one of ``unet``, ``classifier`` and ``anomaly_detector``.
    sha256 : str
        Of the weights file.
    channels : list of str
        Input channels in their order; of an anomaly detector, those of its classifier.
    inputs : dict of str to list of int
        What a classifier takes: the shape of each input, without the axis that counts stamps.
    classes : list of str
        What a real candidate may be, in the order of a classifier's output.
    normalisation : int
        Version of :mod:`detection.normalise` the network was trained with.
    architecture : dict
        ``base``, ``depth`` and the number of ``parameters``.
    calibration : Calibration
        From the network's peak probability to confidence.
    thresholds : dict
        Confidences, chosen on validation scenes; ``detection`` is the one to use. Of an anomaly
        detector ``unknown``, a distance.
    training : dict
        Seed, scenes, how they were drawn, seconds, library versions.
    metrics : dict
        Measured on scenes used neither for training nor for calibration; figures with their
        intervals beside them.
    remarks : list of str
        What was measured after the training, on real frames for instance.
    """

    name: str
    version: str
    sha256: str
    channels: list[str]
    normalisation: int
    architecture: dict[str, int]
    calibration: Calibration
    thresholds: dict[str, float]
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    model_type: str = UNET
    inputs: dict[str, list[int]] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse a card that does not say what its kind of network needs."""
        if self.model_type not in KINDS:
            raise ValueError(f"model_type is {self.model_type!r}: it must be {' or '.join(KINDS)}")

    def to_json(self) -> str:
        """Give the card as text, keys in the order of the fields."""
        return json.dumps(asdict(self), indent=2) + "\n"


def read_card(path: Path) -> Card:
    """Read a card.

    Raises
    ------
    BadWeights
        If there is none, or it does not say what a card must say.
    """
    try:
        return parse_card(path.read_bytes(), str(path))
    except FileNotFoundError as error:
        raise BadWeights(
            f"no model card at {path}: restore it from the repository or run train_model"
        ) from error


def parse_card(text: bytes, name: str) -> Card:
    """Read a card from its bytes; ``name`` is what errors call it. See :func:`read_card`."""
    try:
        content = json.loads(text.decode("utf-8"))
        calibration = Calibration(**content.pop("calibration"))
        return Card(calibration=calibration, **content)
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError,
            AttributeError) as error:  # fmt: skip
        raise BadWeights(
            f"{name} is not a model card ({error}): restore it or run train_model"
        ) from error
