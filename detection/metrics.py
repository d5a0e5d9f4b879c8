"""Figures of merit of a score against labels, each with its interval."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

FloatArray = NDArray[np.floating]
BoolArray = NDArray[np.bool_]
Figure = Callable[[FloatArray, BoolArray], float]

BINS = 10
ROUNDS = 500
COVERAGE = 0.95


@dataclass(frozen=True)
class Interval:
    """A measured figure and its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


def auc(score: FloatArray, is_real: BoolArray) -> float:
    """Give the chance that a real candidate scores above a bogus one; ties count half.

    References
    ----------
    Hanley & McNeil 1982, Radiology 143, 29.
    """
    real = int(is_real.sum())
    bogus = is_real.size - real
    return float((rankdata(score)[is_real].sum() - real * (real + 1) / 2) / (real * bogus))


def fpr_at_tpr(score: FloatArray, is_real: BoolArray, tpr: float = 0.95) -> float:
    """Give the share of bogus candidates that pass where ``tpr`` of the real ones do."""
    threshold = np.quantile(score[is_real], 1 - tpr)
    return float((score[~is_real] >= threshold).mean())


def ece(score: FloatArray, is_real: BoolArray) -> float:
    """Give the mean gap between confidence and share of real ones, in ten equal bins.

    References
    ----------
    Naeini, Cooper & Hauskrecht 2015, AAAI.
    """
    index = np.minimum((score * BINS).astype(int), BINS - 1)
    gap = np.bincount(index, score - is_real, BINS)
    return float(np.abs(gap).sum() / score.size)


def check_sample(score: FloatArray, is_real: BoolArray) -> None:
    """Refuse a sample that no figure can be measured on."""
    if score.shape != is_real.shape or score.ndim != 1:
        raise ValueError(f"scores {score.shape} and labels {is_real.shape} must be equal lists")
    if not np.isfinite(score).all():
        raise ValueError(f"{int((~np.isfinite(score)).sum())} scores are not finite")
    if is_real.all() or not is_real.any():
        raise ValueError(f"all {is_real.size} labels are {bool(is_real.all())}: both are needed")


def with_interval(
    figure: Figure,
    score: FloatArray,
    is_real: BoolArray,
    groups: NDArray | None = None,
    *,
    seed: int = 0,
) -> Interval:
    """Measure a figure and bootstrap its interval.

    Parameters
    ----------
    figure : callable
        Of (score, is_real).
    score, is_real : (n,) arrays
    groups : (n,) array, optional
        What belongs together, such as the stamps of one object, is drawn together.

    Raises
    ------
    ValueError
        If the sample holds one kind only.
    """
    check_sample(score, is_real)
    drawn = [
        figure(score[rows], is_real[rows])
        for rows in resamples(is_real.size, groups, np.random.default_rng(seed))
        if 0 < is_real[rows].sum() < rows.size
    ]
    low, high = np.quantile(drawn, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return Interval(figure(score, is_real), float(low), float(high))


def resamples(
    size: int, groups: NDArray | None, rng: np.random.Generator
) -> Iterable[NDArray[np.intp]]:
    """Draw rows with replacement, whole groups at a time."""
    labels = np.arange(size) if groups is None else np.unique(groups, return_inverse=True)[1]
    members = np.split(np.argsort(labels, kind="stable"), np.cumsum(np.bincount(labels))[:-1])
    for _ in range(ROUNDS):
        chosen = rng.integers(0, len(members), len(members))
        yield np.concatenate([members[index] for index in chosen])


def share(hits: BoolArray) -> Interval:
    """Give a share and its Wilson interval, which holds for few trials and shares near 1.

    References
    ----------
    Wilson 1927, JASA 22, 209.
    """
    z, n = 1.959964, hits.size
    if n == 0:
        return Interval(float("nan"), 0.0, 1.0)
    p = float(hits.mean())
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return Interval(p, float(middle - half), float(middle + half))
