"""The slow part of a light curve, and the curve without it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from astropy.stats import biweight_location
from scipy.signal import savgol_filter

from lightcurves.analysis.clipping import find_outliers
from lightcurves.analysis.points import Points, Reals, check_above_zero, take_points

METHODS = ("median", "biweight", "savgol")
# Tukey's constant that Hippke et al. 2019 (AJ 158, 143, section 4.1) found best for transits.
BIWEIGHT_TUNING = 5.0
SAVGOL_ORDER = 2
# Fits after each of which outliers give way to the trend, as flatten() of lightkurve does.
SAVGOL_ROUNDS = 3
SAVGOL_CLIP = 3.0
# A step may differ from a whole number of cadences by this part of one.
OFF_GRID = 0.2


@dataclass(frozen=True)
class Detrended:
    """A curve without its trend; NaN where it has no point."""

    values: Reals
    errors: Reals
    trend: Reals


def detrend(
    times: npt.ArrayLike,
    values: npt.ArrayLike,
    errors: npt.ArrayLike | None = None,
    *,
    width: float,
    method: str = "biweight",
    divide: bool = True,
    gap: float | None = None,
) -> Detrended:
    """Take the trend out of a curve.

    Parameters
    ----------
    times, values, errors : (n,) array
        As for `take_points`.
    width : float
        Of the window, unit of ``times``: several times as long as what is to be kept.
    method : str
        As for `find_trend`.
    divide : bool
        Divide by the trend, as for fluxes; else subtract it, as for magnitudes and differences.
    gap : float, optional
        As for `find_trend`.

    Returns
    -------
    Detrended
        Arrays as long as ``times``; errors are NaN where there were none.

    Raises
    ------
    ValueError
        As `find_trend`; if a trend to divide by is not above 0.
    """
    points = take_points(times, values, errors, least=1)
    trend = _trend(points, width, method, gap)
    if divide and (wrong := np.flatnonzero(trend <= 0)).size:
        raise ValueError(
            f"the trend is {trend[wrong[0]]:g} at {points.times[wrong[0]]}; only a trend above 0 "
            "can be divided by: subtract it"
        )
    scale = trend if divide else np.ones(len(points))
    kept = points.values / trend if divide else points.values - trend
    given = np.full(len(points), np.nan) if points.errors is None else points.errors
    arrays = (_spread(points, part, np.size(times)) for part in (kept, given / scale, trend))
    return Detrended(*arrays)


def _spread(points: Points, numbers: Reals, size: int) -> Reals:
    """Put numbers where their points came from, NaN elsewhere."""
    found = np.full(size, np.nan)
    found[points.places] = numbers
    return found


def find_trend(
    times: npt.ArrayLike,
    values: npt.ArrayLike,
    *,
    width: float,
    method: str = "biweight",
    gap: float | None = None,
) -> Reals:
    """Give the slow part of a curve, each side of a gap by itself.

    Parameters
    ----------
    times, values : (n,) array
        As for `take_points`.
    width : float
        Of the window, unit of ``times``.
    method : str
        "median" and "biweight" are those of the points within half a width to either side.
        "savgol" fits a parabola to as many cadences; it needs regular times, single ones missing
        or not, and gives outliers the value of the trend.
    gap : float, optional
        Longer steps part the curve; as long as the window unless told otherwise.

    Returns
    -------
    (n,) array
        NaN where the curve has no point.

    Raises
    ------
    ValueError
        As `take_points`; if width or gap are not above 0, the method is unknown, or "savgol" is
        to work on times that are not regular.

    References
    ----------
    Savitzky & Golay 1964, Anal. Chem. 36, 1627. Mosteller & Tukey 1977, Data Analysis and
    Regression (biweight). Hippke et al. 2019, AJ 158, 143 (a comparison for transits).
    """
    points = take_points(times, values, None, least=1)
    return _spread(points, _trend(points, width, method, gap), np.size(times))


def _trend(points: Points, width: float, method: str, gap: float | None) -> Reals:
    check_above_zero("width", width)
    apart = width if gap is None else gap
    check_above_zero("gap", apart)
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; it must be one of {', '.join(METHODS)}")
    trend = np.empty(len(points))
    for part in segments(points.times, apart):
        times, values = points.times[part], points.values[part]
        if method == "savgol":
            trend[part] = _parabolas(times, values, width)
        else:
            middle = np.median if method == "median" else _biweight
            trend[part] = _sliding(times, values, width, middle)
    return trend


def segments(times: Reals, gap: float) -> Iterator[slice]:
    """Give the parts of a curve between steps longer than ``gap``."""
    ends = [*(np.flatnonzero(np.diff(times) > gap) + 1).tolist(), times.size]
    start = 0
    for end in ends:
        yield slice(start, end)
        start = end


def _biweight(values: Reals) -> float:
    return float(biweight_location(values, c=BIWEIGHT_TUNING))


def _sliding(times: Reals, values: Reals, width: float, middle: Callable[[Reals], float]) -> Reals:
    """Give the middle of the values within half a width of each time."""
    first = np.searchsorted(times, times - width / 2, "left")
    behind = np.searchsorted(times, times + width / 2, "right")
    windows = zip(first.tolist(), behind.tolist(), strict=True)
    return np.array([middle(values[start:end]) for start, end in windows])


def _parabolas(times: Reals, values: Reals, width: float) -> Reals:
    """Smooth a segment by Savitzky and Golay on its grid of cadences."""
    if times.size <= SAVGOL_ORDER + 1:
        return np.full(times.size, np.median(values))
    cadence, places = _grid(times)
    numbers = np.arange(places[-1] + 1)
    window = min(int(width / cadence) | 1, numbers.size - 1 + numbers.size % 2)
    if window <= SAVGOL_ORDER:
        raise ValueError(
            f"width {width} is {window} cadences of {cadence:g}; "
            f"a parabola needs more than {SAVGOL_ORDER}"
        )
    kept = np.ones(times.size, bool)
    for _ in range(SAVGOL_ROUNDS):
        filled = np.interp(numbers, places[kept], values[kept])
        trend: Reals = savgol_filter(filled, window, SAVGOL_ORDER)[places]
        rest = values - trend
        kept = ~find_outliers(rest, lower=SAVGOL_CLIP, upper=SAVGOL_CLIP, scale="std")
    return trend


def _grid(times: Reals) -> tuple[float, npt.NDArray[np.intp]]:
    """Give the cadence of times and the number of each, from 0.

    Steps are rounded one by one: barycentric times run ahead and fall behind by minutes.
    """
    steps = np.diff(times)
    cadence = float(np.median(steps))
    if cadence <= 0:
        raise ValueError(f"most of {times.size} times repeat; savgol needs regular ones")
    turns = steps / cadence
    off = np.abs(turns - np.round(turns))
    worst = int(np.argmax(off))
    if off[worst] > OFF_GRID:
        raise ValueError(
            f"the step after {times[worst]} is {turns[worst]:.2f} cadences of {cadence:g}; "
            "savgol needs regular times: use median or biweight"
        )
    whole = np.maximum(np.round(turns).astype(np.intp), 1)
    return cadence, np.concatenate([[0], np.cumsum(whole)])
