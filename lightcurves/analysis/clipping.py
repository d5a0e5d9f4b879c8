"""Points far from the rest."""

from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.stats import sigma_clip

from lightcurves.analysis.points import check_above_zero

SCALES = ("mad_std", "std")


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
        If no value is finite, a limit is not above 0, the scale is unknown, or the median of
        absolute deviations is 0 though values differ: all but the median would be outliers.
    """
    measured: npt.NDArray[Any] = np.asarray(values, np.float64)
    if measured.ndim != 1:
        raise ValueError(f"values has shape {measured.shape}; it must have one axis")
    for name, limit in (("lower", lower), ("upper", upper)):
        if limit != np.inf:
            check_above_zero(name, limit)
    if scale not in SCALES:
        raise ValueError(f"scale is {scale!r}; it must be one of {', '.join(SCALES)}")
    finite = np.isfinite(measured)
    found = np.zeros(measured.size, bool)
    found[finite] = _clip(measured[finite], lower, upper, scale)
    return found


def _clip(
    measured: npt.NDArray[Any], lower: float, upper: float, scale: str
) -> npt.NDArray[np.bool_]:
    if measured.size == 0:
        raise ValueError("no value is finite; there is nothing to clip")
    middle = np.median(measured)
    if scale == "mad_std" and np.median(np.abs(measured - middle)) == 0 and np.ptp(measured) > 0:
        raise ValueError(
            f"more than half of {measured.size} values are {middle:g}, so their median absolute "
            'deviation is 0: clip by scale="std"'
        )
    clipped = sigma_clip(
        measured,
        sigma_lower=lower,
        sigma_upper=upper,
        maxiters=None,
        cenfunc="median",
        stdfunc=scale,
    )
    return np.ma.getmaskarray(clipped)
