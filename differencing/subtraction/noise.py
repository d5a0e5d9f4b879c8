"""Scatter of pixels and of score maps."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
Float32Image = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

MAD_TO_SIGMA = 1.482602218505602  # 1 / Phi^-1(3/4)


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
    return float(MAD_TO_SIGMA * np.median(np.abs(chosen - np.median(chosen))))


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
    sigma = float(np.median(good))
    if not (np.isfinite(sigma) and sigma > 0):
        raise ValueError(f"the noise map has the median {sigma}; it must be positive and finite")
    return sigma
