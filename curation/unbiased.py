"""What a network is worth on the sky, from verdicts on detections that chance chose.

Plain functions on arrays; :mod:`curation.audit_sample` reads the rows.

The sample has two strata: detections, each drawn with the same chance, and candidates that the
network rejected, a fixed number from each frame. A verdict stands for as many candidates as its
sampling weight says, the inverse of the chance to be drawn (Horvitz & Thompson 1952, JASA 47,
663). Intervals are Wilson's, for as many verdicts as the weighted ones are worth (Kish 1965,
Survey Sampling, section 8.2: the square of the sum of weights over the sum of their squares).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Z = 1.959964  # two-sided 95 % of a normal distribution
CURVE_BINS = 10


@dataclass(frozen=True)
class Sample:
    """Judged members of the audit sample; one array element each.

    Attributes
    ----------
    confidence : (n,) array
        What the network said, 0 to 1.
    is_real : (n,) bool array
        What people said.
    is_believed : (n,) bool array
        True for detections, False for candidates that the network rejected.
    weight : (n,) array
        Candidates that each stands for.
    """

    confidence: NDArray[np.floating]
    is_real: NDArray[np.bool_]
    is_believed: NDArray[np.bool_]
    weight: NDArray[np.floating]


@dataclass(frozen=True)
class Share:
    """A share with its 95 % interval, and from how many verdicts it comes.

    ``value`` is None where nothing was judged.
    """

    value: float | None
    low: float
    high: float
    verdicts: int


@dataclass(frozen=True)
class Bin:
    """One part of the calibration curve."""

    confidence: float
    share: Share


def precision(sample: Sample) -> Share:
    """Give the share of detections that are real."""
    chosen = sample.is_believed
    return weighted_share(sample.is_real[chosen], sample.weight[chosen])


def recall(sample: Sample) -> Share:
    """Give the share of the real candidates that became detections.

    Without a judged candidate that the network rejected nothing is known of its misses.
    """
    if not (~sample.is_believed).any():
        return Share(None, 0.0, 1.0, 0)
    chosen = sample.is_real
    return weighted_share(sample.is_believed[chosen], sample.weight[chosen])


def calibration(sample: Sample) -> list[Bin]:
    """Give the share of real candidates by what the network said; empty bins are left out."""
    index = np.minimum((sample.confidence * CURVE_BINS).astype(int), CURVE_BINS - 1)
    return [_bin(sample, index == each) for each in range(CURVE_BINS) if (index == each).any()]


def _bin(sample: Sample, chosen: NDArray[np.bool_]) -> Bin:
    mean = np.average(sample.confidence[chosen], weights=sample.weight[chosen])
    return Bin(float(mean), weighted_share(sample.is_real[chosen], sample.weight[chosen]))


def weighted_share(hits: NDArray[np.bool_], weight: NDArray[np.floating]) -> Share:
    """Give the weighted share of hits with Wilson's interval for the effective number.

    Raises
    ------
    ValueError
        If a weight is not positive.

    References
    ----------
    Wilson 1927, JASA 22, 209.
    """
    if hits.size == 0:
        return Share(None, 0.0, 1.0, 0)
    if not (np.isfinite(weight).all() and (weight > 0).all()):
        raise ValueError(f"sampling weights from {weight.min()} to {weight.max()}: all must be > 0")
    p = float(np.average(hits, weights=weight))
    n = float(weight.sum() ** 2 / (weight**2).sum())
    middle = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    return Share(p, max(0.0, float(middle - half)), float(middle + half), int(hits.size))
