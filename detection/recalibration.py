"""A network's confidence fitted anew to what people said."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from detection import metrics
from detection.calibration import SMALLEST_SLOPE, Calibration, logit
from detection.card import Card
from detection.metrics import BoolArray, FloatArray


@dataclass(frozen=True)
class Judged:
    """Judged candidates; one array element each.

    Attributes
    ----------
    confidence : (n,) array
        Of the network as it is calibrated now, 0 to 1.
    is_real : (n,) bool array
    weight : (n,) array
        How much each counts.
    group : (n,) array
        The part of the sky that each lies in.
    """

    confidence: FloatArray
    is_real: BoolArray
    weight: FloatArray
    group: NDArray

    def chosen(self, rows: BoolArray) -> "Judged":
        """Give some of them."""
        return Judged(*(values[rows] for values in vars(self).values()))


def refit(judged: Judged) -> Calibration:
    """Fit the line in logits, on top of the present calibration, that makes the verdicts likely.

    Raises
    ------
    ValueError
        If one of the two kinds is missing.

    References
    ----------
    Platt 1999, with his smoothed targets; every verdict counts by its weight.
    """
    real, bogus = (float(judged.weight[rows].sum()) for rows in (judged.is_real, ~judged.is_real))
    if not (real and bogus):
        raise ValueError(f"weights of {real:g} real and {bogus:g} bogus: calibration needs both")
    # As many effective verdicts as the weights are worth, for the smoothing.
    scale = judged.weight.sum() / (judged.weight**2).sum()
    targets = (real * scale + 1) / (real * scale + 2), 1 / (bogus * scale + 2)
    target = np.where(judged.is_real, *targets)
    odds = logit(judged.confidence)
    share = judged.weight / judged.weight.sum()

    def loss(line: FloatArray) -> float:
        z = line[0] * odds + line[1]
        return float(np.sum(share * (np.logaddexp(0, z) - target * z)))

    bounds = [(SMALLEST_SLOPE, None), (None, None)]
    fitted = optimize.minimize(loss, np.array([1.0, 0.0]), bounds=bounds, method="L-BFGS-B")
    return Calibration(slope=float(fitted.x[0]), intercept=float(fitted.x[1]))


def recalibrated(card: Card, correction: Calibration, version: str) -> Card:
    """Give the card of the same weights with the correction applied.

    Thresholds move along, so that the same candidates pass: only what the number means changes.
    """
    old = card.calibration
    moved = {
        name: float(correction(np.array([value]))[0]) for name, value in card.thresholds.items()
    }
    return replace(
        card,
        version=version,
        calibration=Calibration(
            slope=correction.slope * old.slope,
            intercept=correction.slope * old.intercept + correction.intercept,
        ),
        thresholds=moved,
    )


def before_and_after(judged: Judged, correction: Calibration) -> dict[str, Any]:
    """Measure the calibration error and the likelihood of verdicts that were not fitted.

    Raises
    ------
    ValueError
        If one of the two kinds is missing.
    """
    after = correction(judged.confidence)
    return {
        "real": int(judged.is_real.sum()),
        "bogus": int((~judged.is_real).sum()),
        "ece_before": _measured(judged, judged.confidence),
        "ece": _measured(judged, after),
        "log_loss_before": _log_loss(judged, judged.confidence),
        "log_loss": _log_loss(judged, after),
    }


def _measured(judged: Judged, confidence: FloatArray) -> dict[str, float]:
    found = metrics.with_interval(metrics.ece, confidence, judged.is_real, judged.group)
    return vars(found)


def _log_loss(judged: Judged, confidence: FloatArray) -> float:
    z = special.logit(np.clip(confidence, 1e-6, 1 - 1e-6))
    loss = np.logaddexp(0, z) - judged.is_real * z
    return float(np.average(loss, weights=judged.weight))
