"""Find the same stars in two lists, and the smooth offset between them."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.spatial import cKDTree

from preprocessing.defects import MAD_TO_SIGMA
from preprocessing.masks import Bools

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

CLIP_SIGMA = 4.0
CLIP_ROUNDS = 5
# Centroids are not better than this: pixelisation, undersampling, flat field.
CENTROID_FLOOR_PX = 0.01
# Stars per coefficient that a polynomial may use.
STARS_PER_TERM = 3
HIGHEST_ORDER = 3
# A more complex map must lower the cross-validated residual by this factor.
WORTHWHILE = 0.97
# Less is rounding: no image is better for it.
LEAST_GAIN_PX = 1e-3


def match_nearest(a: Floats, b: Floats, radius: float) -> tuple[Indices, Indices]:
    """Pair the points of two (n, 2) lists that are each other's nearest, within ``radius``."""
    if len(a) == 0 or len(b) == 0:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    distance, to_b = map(np.asarray, cKDTree(b).query(a, distance_upper_bound=radius))
    to_a = np.asarray(cKDTree(a).query(b)[1])
    first = np.flatnonzero(np.isfinite(distance))
    mutual = first[to_a[to_b[first]] == first]
    return mutual, to_b[mutual]


@dataclass(frozen=True, eq=False)
class Offsets:
    """Where matched stars are found, minus where the map puts them, and how well that is known.

    ``x``, ``y`` are grid pixels scaled to -1..1; ``d`` is (n, 2) in science px; ``error`` the
    centroid error of both stars together, px per axis; ``scatter`` what stars scatter besides
    (proper motion, colour, blends), px per axis.
    """

    x: Floats
    y: Floats
    d: Floats
    error: Floats
    scatter: float = CENTROID_FLOOR_PX

    @property
    def weight(self) -> Floats:
        """Inverse variance."""
        return np.asarray(1 / (self.error**2 + self.scatter**2))


@dataclass(frozen=True, eq=False)
class Smooth:
    """A polynomial offset; ``order`` -1 is none at all.

    ``rms`` is the weighted residual per axis, each star predicted from the others (leave one
    out), ``kept`` the stars it was fitted to, and ``first_rms`` what these leave without it.
    """

    order: int
    coefficients: Floats
    rms: float
    kept: Bools
    first_rms: float

    def __call__(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Give the offsets at scaled grid pixels."""
        dx, dy = np.moveaxis(terms(x, y, self.order) @ self.coefficients, -1, 0)
        return dx, dy


def terms(x: Floats, y: Floats, order: int) -> Floats:
    """Give the monomials up to total degree ``order`` along a last axis."""
    powers = [(i, j) for i in range(order + 1) for j in range(order + 1 - i)]
    return np.stack([x**i * y**j for i, j in powers], -1) if powers else np.zeros((*x.shape, 0))


def terms_of(order: int) -> int:
    """Give the number of monomials."""
    return (order + 1) * (order + 2) // 2


def best_smooth(
    offsets: Offsets, highest: int = HIGHEST_ORDER, stars_per_term: float = STARS_PER_TERM
) -> Smooth:
    """Give the polynomial of the lowest order that leave-one-out residuals justify."""
    best, _ = fit_smooth(offsets, -1)
    for order in range(highest + 1):
        if offsets.x.size < stars_per_term * terms_of(order):
            break
        trial, lighter = fit_smooth(offsets, order)
        # Compared on the same stars and weights: throwing more stars away is no merit.
        common = best.kept & trial.kept
        if common.sum() > terms_of(order) and leave_one_out(lighter, order, common).rms < (
            WORTHWHILE * leave_one_out(lighter, best.order, common).rms - LEAST_GAIN_PX
        ):
            best = trial
    return best


def fit_smooth(offsets: Offsets, order: int) -> tuple[Smooth, Offsets]:
    """Fit one order, leaving out stars whose own prediction misses them by over 4 sigma.

    Gives the fit, and the offsets with the scatter that makes the residuals typical of their
    errors: else a few bright stars with a motion of their own would carry the whole fit.
    """
    kept = np.ones(offsets.x.size, bool)
    fitted = leave_one_out(offsets, order, kept)
    for _ in range(CLIP_ROUNDS):
        left = residuals(offsets, fitted)
        offsets = replace(offsets, scatter=excess_scatter(left[kept], offsets.error[kept]))
        now = np.abs(left).max(axis=1) * np.sqrt(offsets.weight) < CLIP_SIGMA
        if now.sum() <= max(terms_of(order), 2):
            break
        kept = now
        fitted = leave_one_out(offsets, order, kept)
    return fitted, offsets


def residuals(offsets: Offsets, smooth: Smooth) -> Floats:
    """Give what the polynomial leaves, (n, 2) px."""
    return np.asarray(offsets.d - np.stack(smooth(offsets.x, offsets.y), -1))


def excess_scatter(left: Floats, error: Floats) -> float:
    """Give the scatter that, added to the errors, makes the median residual a Gaussian's."""

    def too_large(scatter: float) -> float:
        pull = np.abs(left) / np.sqrt(error**2 + scatter**2)[:, None]
        return float(MAD_TO_SIGMA * np.median(pull) - 1)

    if too_large(CENTROID_FLOOR_PX) <= 0:
        return CENTROID_FLOOR_PX
    return float(brentq(too_large, CENTROID_FLOOR_PX, 2 * float(np.abs(left).max()), xtol=1e-4))


def leave_one_out(offsets: Offsets, order: int, kept: Bools) -> Smooth:
    """Fit the kept stars; the residual of each is that of a fit without it."""
    coefficients, left = held_out(offsets, order, kept)
    weight = offsets.weight[kept]
    rms, first_rms = (weighted_rms(values, weight) for values in (left, offsets.d[kept]))
    return Smooth(order, coefficients, rms, kept, first_rms)


def held_out(offsets: Offsets, order: int, kept: Bools) -> tuple[Floats, Floats]:
    """Give the coefficients of a fit, and what each kept star is off a fit without it, (n, 2) px.

    For least squares no refit is needed: ``e_i / (1 - h_i)`` with the leverage ``h``.
    """
    root = np.sqrt(offsets.weight[kept])[:, None]
    design = terms(offsets.x[kept], offsets.y[kept], order)
    basis, upper = np.linalg.qr(design * root)
    coefficients = np.linalg.lstsq(upper, basis.T @ (offsets.d[kept] * root), rcond=None)[0]
    leverage = (basis**2).sum(axis=1)
    left = (offsets.d[kept] - design @ coefficients) / np.maximum(1 - leverage, 1e-3)[:, None]
    return np.asarray(coefficients), np.asarray(left)


def weighted_rms(left: Floats, weight: Floats) -> float:
    """Give the weighted rms per axis of (n, 2) residuals."""
    return float(np.sqrt((weight[:, None] * left**2).sum() / (2 * weight.sum())))
