"""Scatter of pixels and of score maps."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from preprocessing.order import median

FloatArray = NDArray[np.floating]
Float32Image = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

MAD_TO_SIGMA = 1.482602218505602  # 1 / Phi^-1(3/4)
OUTLYING_SIGMA = 3.5  # of values with errors: one Gaussian value in two thousand lies beyond


def robust_sigma(values: FloatArray, mask: BoolArray | None = None) -> float:
    """Estimate a standard deviation from the median absolute deviation.

    Parameters
    ----------
    values : array
        Any shape and unit. NaN is left out.
    mask : bool array, optional
        True marks values to leave out.

    Returns
    -------
    float
        Standard deviation of the equivalent Gaussian, in the unit of ``values``.

    Raises
    ------
    ValueError
        If nothing finite and unmasked is left.

    References
    ----------
    Rousseeuw & Croux 1993, JASA 88, 1273.
    """
    good = np.isfinite(values) if mask is None else np.isfinite(values) & ~mask
    chosen = values[good]
    if chosen.size == 0:
        raise ValueError(f"no finite, unmasked value among {values.size}")
    distance = chosen - chosen.dtype.type(median(chosen))
    return MAD_TO_SIGMA * median(np.abs(distance, out=distance))


def typical_noise(noise: FloatArray, bad: BoolArray, *, step: int = 4) -> float:
    """Give the median 1-sigma noise (unit of ``noise``) of the good pixels, on a sparse grid.

    Raises
    ------
    ValueError
        If the median is not positive and finite, or no pixel is good.
    """
    good = noise[::step, ::step][~bad[::step, ::step]]
    good = good if good.size else noise[~bad]
    if good.size == 0:
        raise ValueError(f"all {noise.size} pixels are masked")
    sigma = median(good)
    if not (np.isfinite(sigma) and sigma > 0):
        raise ValueError(f"the noise map has the median {sigma}; it must be positive and finite")
    return sigma


def excess_scatter(values: FloatArray, variance: FloatArray) -> tuple[float, float]:
    """Estimate by how much values scatter beyond their errors, values far off set aside.

    Parameters
    ----------
    values : (n,) array
        Of one quantity, any unit.
    variance : (n,) array
        Square of the error of each.

    Returns
    -------
    scatter : float
        Standard deviation, in the unit of ``values``; 0 where they scatter no more, or even less,
        than their errors: of values without any excess about half do.
    error : float
        What is to be added to ``scatter`` for its upper limit at 1 sigma.

    References
    ----------
    Paule & Mandel 1982, J. Res. NBS 87, 377; the error is that of its information, as
    Viechtbauer 2005, J. Educ. Behav. Stat. 30, 261, eq. 15.
    """
    # the pulls of most values are those of a Gaussian, whatever the others are
    middle = float(np.median(values))
    most = _root(
        lambda extra: robust_sigma((values - middle) / np.sqrt(variance + extra)) - 1, values
    )
    kept = np.abs(values - middle) <= OUTLYING_SIGMA * np.sqrt(variance + most)
    values, variance = values[kept], variance[kept]

    def surplus(extra: float) -> float:
        weight = 1 / (variance + extra)
        left = values - np.average(values, weights=weight)
        return float(weight @ left**2 - (len(values) - 1))

    square = _root(surplus, values)
    spread = np.sqrt(2 / np.sum((variance + square) ** -2.0))
    return float(np.sqrt(square)), float(np.sqrt(square + spread) - np.sqrt(square))


def _root(surplus: Callable[[float], float], values: FloatArray) -> float:
    """Give where a falling function of an additional variance is 0; 0 where it is below at once."""
    most = float(np.ptp(values)) ** 2
    if surplus(0.0) <= 0:
        return 0.0
    return float(brentq(surplus, 0.0, most)) if surplus(most) < 0 else most
