"""Two networks on the same labelled stamps, and whether the new one is no worse."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detection import metrics
from detection.metrics import BoolArray, FloatArray
from detection.parameters import PromotionMargins

FIGURES = {"auc": metrics.auc, "fpr_at_tpr95": metrics.fpr_at_tpr, "ece": metrics.ece}


@dataclass(frozen=True)
class Pair:
    """Confidences of two networks for the same stamps; one array element each.

    Attributes
    ----------
    old, new : (n,) float arrays
        Confidences of champion and challenger, 0 to 1.
    is_real : (n,) bool array
    groups : (n,) array or None
        Which stamps show one object.
    """

    old: FloatArray
    new: FloatArray
    is_real: BoolArray
    groups: NDArray | None = None


def compare(pair: Pair, *, seed: int = 0) -> dict[str, Any]:
    """Measure both networks and bootstrap the difference of every figure in pairs.

    Both are measured on the same drawn objects, so what makes a draw easy or hard for both
    cancels: the difference is known better than either figure.

    Parameters
    ----------
    pair : Pair
    seed : int
        Of the draws.

    Returns
    -------
    dict
        Per figure ``champion``, ``challenger`` and ``difference`` (challenger minus champion),
        each with its 95 % interval.

    Raises
    ------
    ValueError
        If a score is not finite, the lists differ in length, or one kind is missing.

    References
    ----------
    Efron & Tibshirani 1993, An Introduction to the Bootstrap, section 13.3 (percentiles).
    """
    for scores in (pair.old, pair.new):
        metrics.check_sample(scores, pair.is_real)
    rng = np.random.default_rng(seed)
    draws = [
        rows
        for rows in metrics.resamples(pair.is_real.size, pair.groups, rng)
        if 0 < pair.is_real[rows].sum() < rows.size
    ]
    return {name: _one_figure(name, pair, draws) for name in FIGURES}


def _one_figure(name: str, pair: Pair, draws: Sequence[NDArray[np.intp]]) -> dict[str, Any]:
    figure = FIGURES[name]
    whole = np.array([figure(scores, pair.is_real) for scores in (pair.old, pair.new)])
    drawn = np.array(
        [
            [figure(scores[rows], pair.is_real[rows]) for scores in (pair.old, pair.new)]
            for rows in draws
        ]
    )
    values = np.append(whole, whole[1] - whole[0])
    spread = np.column_stack([drawn, drawn[:, 1] - drawn[:, 0]])
    low, high = np.quantile(
        spread, [0.5 - metrics.COVERAGE / 2, 0.5 + metrics.COVERAGE / 2], axis=0
    )
    names = ("champion", "challenger", "difference")
    return {
        each: {"value": float(v), "low": float(a), "high": float(b)}
        for each, v, a, b in zip(names, values, low, high, strict=True)
    }


def shortcomings(
    figures: dict[str, Any], is_real: BoolArray, margins: PromotionMargins
) -> list[str]:
    """Say why a comparison is no proof of non-inferiority; empty where it is one.

    ``figures`` are those of :func:`compare`.
    """
    real, bogus = int(is_real.sum()), int((~is_real).sum())
    auc, fpr = figures["auc"]["difference"], figures["fpr_at_tpr95"]["difference"]
    ece = figures["ece"]["challenger"]["value"]
    found = []
    if min(real, bogus) < margins.least_of_a_kind:
        found.append(
            f"{real} real and {bogus} bogus stamps: {margins.least_of_a_kind} of each are needed"
        )
    if auc["low"] <= -margins.auc_loss:
        found.append(
            f"the AUC may be lower by {-auc['low']:.4f}: less than {margins.auc_loss} is allowed"
        )
    if fpr["value"] > margins.fpr_rise:
        found.append(
            f"false positives at 95 % completeness rise by {fpr['value']:.4f}: at most "
            f"{margins.fpr_rise} are allowed"
        )
    if ece > margins.largest_ece:
        found.append(
            f"the calibration error is {ece:.4f}: at most {margins.largest_ece} is allowed"
        )
    return found
