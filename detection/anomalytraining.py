"""Measure where known candidates lie, and write that down as a network with its card."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detection import metrics, normalise
from detection.anomaly import FALSE_RATE, SHRINKAGE, choose_distance, fit_clouds, to_onnx
from detection.calibration import Calibration
from detection.card import ANOMALY, Card

FloatArray = NDArray[np.floating]

NAME, VERSION = "astrid-anomaly", "1"


@dataclass(frozen=True)
class Samples:
    """Embeddings of candidates of known classes.

    Attributes
    ----------
    embedding : (n, d) array
        Of the stamps that the classifier learned from.
    label : (n,) array
        Class of each, artifacts included.
    held_out : (m, d) array
        Of other sky, which neither the classifier nor this fit has seen.
    """

    embedding: FloatArray
    label: NDArray
    held_out: FloatArray


def train(samples: Samples, classifier_sha256: str, path: Path) -> Card:
    """Fit the clouds, choose the threshold on the held-out samples, write network and card.

    Parameters
    ----------
    samples : Samples
    classifier_sha256 : str
        Of the weights that made the embeddings: no other fit them.
    path : Path
        Of the ONNX file; the card goes beside it.

    Raises
    ------
    ValueError
        If there are too few samples to measure with.
    """
    clouds = fit_clouds(samples.embedding, samples.label)
    distance = clouds.distances(samples.held_out)
    threshold = choose_distance(distance)
    content = to_onnx(clouds)
    card = Card(
        model_type=ANOMALY,
        name=NAME,
        version=VERSION,
        sha256=hashlib.sha256(content).hexdigest(),
        channels=list(normalise.CHANNELS),
        normalisation=normalise.VERSION,
        architecture={"parameters": clouds.means.size + clouds.whitening.size},
        calibration=Calibration(),
        thresholds={"unknown": threshold},
        training={
            "embedding_of": classifier_sha256,
            "samples": len(samples.embedding),
            "held_out": len(samples.held_out),
            "false_rate": FALSE_RATE,
            "shrinkage": SHRINKAGE,
        },
        metrics={"called_unknown": asdict(metrics.share(distance > threshold))},
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.with_suffix(".json").write_text(card.to_json(), encoding="utf-8")
    return card
