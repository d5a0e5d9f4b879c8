"""Pair all stars of two lists, following from a rough guess whatever smooth distortion there is."""

from dataclasses import dataclass

import numpy as np

from preprocessing.astrometry.matching import (
    HIGHEST_ORDER,
    STARS_PER_TERM,
    Floats,
    Offsets,
    Smooth,
    best_smooth,
    match_nearest,
    residuals,
)
from preprocessing.astrometry.triangles import Indices
from preprocessing.defects import MAD_TO_SIGMA

# Where stars are sparse a wide search finds the right ones all the same: it may meet a wrong one
# for every tenth star, which the clipping of the fit bears.
STRANGERS = 0.1
WIDE_PX, NARROW_PX = 3.0, 1.5
# The search narrows to so many times the scatter that is left, and at least by this factor.
REACH_SIGMA, NARROWING = 6.0, 0.8
MOST_ROUNDS = 8
LEAST_RMS_PX = 0.01


@dataclass(frozen=True, eq=False)
class StarLists:
    """Stars that are looked for, and stars that were found.

    Attributes
    ----------
    expected : (n, 2) array
        Pixels x, y of the second frame where a guess puts the stars of the first.
    x, y : (n,) arrays
        Where they are on the first frame, scaled to -1..1.
    error : (n,) array
        Errors of these places, px of the second frame, per axis.
    found, found_error : (m, 2), (m,) arrays
        The stars of the second frame.
    highest, stars_per_term
        How far a polynomial may follow them: see
        :func:`preprocessing.astrometry.matching.best_smooth`.
    """

    expected: Floats
    x: Floats
    y: Floats
    error: Floats
    found: Floats
    found_error: Floats
    highest: int = HIGHEST_ORDER
    stars_per_term: float = STARS_PER_TERM

    def offsets(self, first: Indices, second: Indices) -> Offsets:
        """Give where pairs are found minus where they are expected."""
        error = np.hypot(self.error[first], self.found_error[second])
        return Offsets(
            self.x[first], self.y[first], self.found[second] - self.expected[first], error
        )

    def guess(self, smooth: Smooth) -> Floats:
        """Give where the stars are expected once a polynomial is added."""
        return self.expected + np.column_stack(smooth(self.x, self.y))

    def clear_radius(self) -> float:
        """Give the radius within which hardly any star meets a stranger."""
        area = float(np.prod(np.ptp(self.found, axis=0))) if len(self.found) else 0.0
        return float(np.sqrt(STRANGERS * area / (np.pi * max(1, len(self.found)))))


@dataclass(frozen=True, eq=False)
class Pairing:
    """Pairs of stars by their indices, the offsets that the guess leaves, and their polynomial."""

    first: Indices
    second: Indices
    offsets: Offsets
    smooth: Smooth

    @property
    def scatter(self) -> float:
        """What the polynomial leaves, px per axis, by the median absolute deviation."""
        return MAD_TO_SIGMA * float(np.median(np.abs(residuals(self.offsets, self.smooth))))

    def gain(self, radius: float) -> float:
        """Give the log odds of stars this near, rather than anywhere within ``radius``."""
        return float(self.smooth.kept.sum() * np.log(radius / max(self.smooth.rms, LEAST_RMS_PX)))


def pair_stars(lists: StarLists, *, shift: Floats, widest: float, least: int) -> Pairing:
    """Pair stars, a polynomial of the offsets leading to more and better ones round by round.

    Parameters
    ----------
    lists : StarLists
    shift : (2,) array
        What to add to ``lists.expected`` at first.
    widest : float
        Largest distance, px, at which a star is looked for.
    least : int
        Pairs that are needed.

    Raises
    ------
    ValueError
        If fewer pairs are found.
    """
    guess = lists.expected + shift
    radius = float(np.clip(lists.clear_radius(), min(WIDE_PX, widest), widest))
    first, second = match_nearest(guess, lists.found, radius)
    pairing = paired(lists, first, second, least)
    for _ in range(MOST_ROUNDS):
        radius = max(NARROW_PX, min(REACH_SIGMA * pairing.scatter, NARROWING * radius))
        first, second = match_nearest(lists.guess(pairing.smooth), lists.found, radius)
        if np.array_equal(first, pairing.first) and np.array_equal(second, pairing.second):
            break
        pairing = paired(lists, first, second, least)
    return pairing


def paired(lists: StarLists, first: Indices, second: Indices, least: int) -> Pairing:
    """Fit the offsets of pairs, if they are enough."""
    if first.size < least:
        raise ValueError(
            f"{first.size} of {len(lists.expected)} reference and {len(lists.found)} science stars "
            f"pair up, {least} are needed: lower star_threshold or use a deeper frame"
        )
    offsets = lists.offsets(first, second)
    return Pairing(
        first, second, offsets, best_smooth(offsets, lists.highest, lists.stars_per_term)
    )
