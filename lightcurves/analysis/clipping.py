"""Points far from the rest."""

from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.stats import mad_std

SCALES = ("mad_std", "std")
# Some value always lies within one standard deviation of the median, so that not all can go.
LEAST_SIGMA = 1.0
ROUNDING = 1 + 1e-12


def find_outliers(
    values: npt.ArrayLike,
    *,
    lower: float = 5.0,
    upper: float = 5.0,
    scale: str = "mad_std",
) -> npt.NDArray[np.bool_]:
    """Tell which values lie far from the median, until no more do.

    What is left has no outlier: clipping it again changes nothing. Detrend first what varies.

    Parameters
    ----------
    values : (n,) array
        NaN and infinity are no outliers and do not count.
    lower, upper : float
        Standard deviations below and above the median; infinity keeps that side whole.
    scale : str
        The standard deviation by "mad_std", the median of absolute deviations, or by "std".

    Raises
    ------
    ValueError
        If no value is finite, a limit is below 1, the scale is unknown, or the median of
        absolute deviations is 0 though values differ: all but the median would be outliers.
    """
    measured: npt.NDArray[Any] = np.asarray(values, np.float64)
    if measured.ndim != 1:
        raise ValueError(f"values has shape {measured.shape}; it must have one axis")
    for name, limit in (("lower", lower), ("upper", upper)):
        if not limit >= LEAST_SIGMA:
            raise ValueError(f"{name} is {limit}; it must be at least {LEAST_SIGMA:g}")
    if scale not in SCALES:
        raise ValueError(f"scale is {scale!r}; it must be one of {', '.join(SCALES)}")
    finite = np.isfinite(measured)
    found = np.zeros(measured.size, bool)
    found[finite] = _clip(measured[finite], lower, upper, scale)
    return found


def _clip(
    measured: npt.NDArray[Any], lower: float, upper: float, scale: str
) -> npt.NDArray[np.bool_]:
    """Clip until nothing is far; astropy's lets values back in when the median has moved."""
    if measured.size == 0:
        raise ValueError("no value is finite; there is nothing to clip")
    kept = np.arange(measured.size)
    while (far := _far(measured[kept], lower, upper, scale)).any():
        kept = kept[~far]
    found = np.ones(measured.size, bool)
    found[kept] = False
    return found


def _far(rest: npt.NDArray[Any], lower: float, upper: float, scale: str) -> npt.NDArray[np.bool_]:
    off = rest - np.median(rest)
    unit = float(mad_std(rest) if scale == "mad_std" else np.std(rest))
    if scale == "mad_std" and unit == 0 and np.ptp(rest) > 0:
        raise ValueError(
            f"more than half of {rest.size} values are {np.median(rest):g}, so their median "
            'absolute deviation is 0: clip by scale="std"'
        )
    found: npt.NDArray[np.bool_] = np.zeros(rest.size, bool)
    if unit > 0:
        found = (off < -lower * unit * ROUNDING) | (off > upper * unit * ROUNDING)
    return found
