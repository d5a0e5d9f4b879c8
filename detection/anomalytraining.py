"""Measure where known candidates lie, and write that down as a network with its card."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detection import metrics
from detection.anomaly import FALSE_RATE, SHRINKAGE, choose_distance, fit_clouds, to_onnx
from detection.calibration import Calibration
from detection.card import ANOMALY, Card
from detection.stampnet.dataset import StampSplit
from detection.stampnet.serving import judge
from detection.stampnet.stamps import UNKNOWN, Stamps, joined
from detection.weights import Weights

FloatArray = NDArray[np.floating]

NAME, VERSION = "astrid-anomaly", "2"
# Real ones whose class nobody knows are a cloud of their own, if there are so many.
LEAST_UNCLEAR = 100


@dataclass(frozen=True)
class Samples:
    """Embeddings of candidates of known classes.

    Attributes
    ----------
    embedding : (n, d) array
        Of the stamps that the classifier learned from.
    label : (n,) array
        Class of each.
    held_out : (m, d) array
        Of other sky, which neither the classifier nor this fit has seen.
    """

    embedding: FloatArray
    label: NDArray
    held_out: FloatArray


def train_for(classifier: Weights, split: StampSplit, path: Path) -> Card:
    """Fit a detector to what a classifier makes of the real changes that it learned from.

    Parameters
    ----------
    classifier : Weights
    split : StampSplit
        The data of its training; those of the other parts choose the threshold.
    path : Path
        Of the ONNX file; the card goes beside it.
    """
    held_out = joined([split.validation, split.test])
    return train(samples_of(classifier, split.training, held_out), classifier.card, path)


def samples_of(classifier: Weights, training: Stamps, held_out: Stamps) -> Samples:
    """Give what a classifier makes of real changes.

    Artifacts are left out: they come in every shape, so that nothing would be far from all of
    them, and what is taken for one is rejected anyway.
    """
    learned, held_out = (part.chosen(np.flatnonzero(part.is_real)) for part in (training, held_out))
    is_unclear = learned.kind == UNKNOWN
    if is_unclear.sum() < LEAST_UNCLEAR:
        learned = learned.chosen(np.flatnonzero(~is_unclear))
    return Samples(
        embedding=judge(classifier, learned).embedding,
        label=learned.kind,
        held_out=judge(classifier, held_out).embedding,
    )


def train(samples: Samples, classifier: Card, path: Path) -> Card:
    """Fit a detector and write network and card; see :func:`fit_detector`."""
    content, card = fit_detector(samples, classifier)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.with_suffix(".json").write_text(card.to_json(), encoding="utf-8")
    return card


def fit_detector(samples: Samples, classifier: Card, version: str = VERSION) -> tuple[bytes, Card]:
    """Fit the clouds and choose the threshold on the held-out samples.

    Parameters
    ----------
    samples : Samples
    classifier : Card
        Of the weights that made the embeddings: no other fit them.
    version : str
        Of the detector.

    Returns
    -------
    (bytes, Card)
        The ONNX file and its card.

    Raises
    ------
    ValueError
        If there are too few samples to measure with.
    """
    clouds = fit_clouds(samples.embedding, samples.label)
    distance = clouds.distances(samples.held_out)
    threshold = choose_distance(distance)
    content = to_onnx(clouds)
    return content, Card(
        model_type=ANOMALY,
        name=NAME,
        version=version,
        sha256=hashlib.sha256(content).hexdigest(),
        channels=classifier.channels,
        normalisation=classifier.normalisation,
        architecture={"parameters": clouds.means.size + clouds.whitening.size},
        calibration=Calibration(),
        thresholds={"unknown": threshold},
        training={
            "embedding_of": classifier.sha256,
            "classifier": f"{classifier.name} {classifier.version}",
            "samples": len(samples.embedding),
            "held_out": len(samples.held_out),
            "false_rate": FALSE_RATE,
            "shrinkage": SHRINKAGE,
        },
        metrics={"called_unknown": asdict(metrics.share(distance > threshold))},
    )
