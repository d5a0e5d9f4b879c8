"""How far the scores of a week have moved from those of the first weeks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

BINS = 20
# Added to every bin, so that an empty one has a logarithm.
PSEUDO_COUNT = 0.5
# A shift counts only where chance alone makes one as large in less than one week of a hundred.
CHANCE = 0.01


@dataclass(frozen=True)
class Shift:
    """A population-stability index, and how large chance alone makes it.

    Attributes
    ----------
    psi : float
        0 where both are alike; no upper limit.
    by_chance : float
        The value that two samples of one population of these sizes exceed one time in a hundred.
    """

    psi: float
    by_chance: float

    def level(self, warning: float, alarm: float) -> str:
        """Give ``steady``, ``warning`` or ``alarm``; what may be chance is steady."""
        if self.psi <= self.by_chance or self.psi < warning:
            return "steady"
        return "alarm" if self.psi >= alarm else "warning"


def shift_of(reference: ArrayLike, week: ArrayLike) -> Shift:
    """Compare two histograms of scores.

    Parameters
    ----------
    reference, week : (n,) arrays
        Counts in the same bins.

    Returns
    -------
    Shift

    Raises
    ------
    ValueError
        If the bins differ, a count is negative or a histogram is empty.

    References
    ----------
    Siddiqi 2006, Credit Risk Scorecards, for the index; Yurdakul & Naranjo 2020, J. Risk Model
    Validation 14(4), for its distribution under chance: chi-squared with one degree of freedom
    less than bins, times ``1/n + 1/m``.
    """
    old, new = (np.asarray(counts, float) for counts in (reference, week))
    _check(old, new)
    a, b = _shares(old), _shares(new)
    psi = float(np.sum((b - a) * np.log(b / a)))
    spread = 1 / old.sum() + 1 / new.sum()
    return Shift(psi, float(chi2.ppf(1 - CHANCE, old.size - 1) * spread))


def _check(old: NDArray[np.float64], new: NDArray[np.float64]) -> None:
    if old.shape != new.shape or old.ndim != 1:
        raise ValueError(f"histograms have shapes {old.shape} and {new.shape}: they must be equal")
    if min(old.min(), new.min()) < 0 or not (old.sum() and new.sum()):
        raise ValueError(f"histograms of {old.sum():g} and {new.sum():g} scores: none may be empty")


def _shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    padded = counts + PSEUDO_COUNT
    return np.asarray(padded / padded.sum(), np.float64)
