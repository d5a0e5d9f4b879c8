"""The networks that score one difference: who judges, who looks at every pixel, who is wary."""

import logging
from dataclasses import dataclass

from detection import anomaly, registry
from detection.models import Model, ModelRun, ModelType
from detection.weights import Weights

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chosen:
    """Rows of the networks for one inference, by the columns of its run.

    Attributes
    ----------
    model : Model
        Whose confidence counts: the classifier, or the U-Net where none is in force.
    unet : Model
    anomaly_detector : Model or None
        None where there is none for the embeddings of ``model``.
    """

    model: Model
    unet: Model
    anomaly_detector: Model | None


def in_force() -> Chosen:
    """Give the networks that score from now on."""
    unet = registry.active()
    classifier = registry.in_force(ModelType.CLASSIFIER)
    return Chosen(classifier or unet, unet, detector_for(classifier))


def detector_for(classifier: Model | None) -> Model | None:
    """Give the anomaly detector in force, if it was fitted to this classifier."""
    detector = registry.in_force(ModelType.ANOMALY_DETECTOR)
    if classifier is None or detector is None:
        return None
    if (detector.hyperparameters or {}).get("embedding_of") == classifier.sha256:
        return detector
    logger.warning("%s was not fitted to %s: nothing is called unknown", detector, classifier)
    return None


@dataclass(frozen=True)
class Networks:
    """Networks ready to run; the judge may be the U-Net itself."""

    judge: Weights
    unet: Weights
    anomaly_detector: Weights | None


def chosen_for(run: ModelRun) -> Chosen:
    """Give the networks that a run was opened with."""
    return Chosen(run.model, run.unet or run.model, run.anomaly_detector)


def open_networks(chosen: Chosen) -> Networks:
    """Open networks; each file is read once per process.

    Raises
    ------
    BadWeights
        If weights cannot be used, or the anomaly detector belongs to another classifier.
    """
    judge, unet = (registry.open_weights(row) for row in (chosen.model, chosen.unet))
    row = chosen.anomaly_detector
    detector = registry.open_weights(row) if row else None
    if detector is not None:
        anomaly.check_pair(detector, judge)
    return Networks(judge, unet, detector)
