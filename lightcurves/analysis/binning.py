"""Points put together, each weighted by its inverse variance."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lightcurves.analysis.points import Points, Reals, check_above_zero, take_points

# A width typed in the wrong unit would otherwise fill the memory.
MOST_BINS = 10_000_000


@dataclass(frozen=True)
class Binned:
    """A curve in bins; values and errors are NaN where a bin is empty."""

    times: Reals  # weighted means of the times; the middle of an empty bin
    values: Reals
    errors: Reals
    counts: npt.NDArray[np.integer[Any]]  # points in each bin


def bin_by_width(
    times: npt.ArrayLike,
    values: npt.ArrayLike,
    errors: npt.ArrayLike | None = None,
    *,
    width: float,
    start: float | None = None,
) -> Binned:
    """Give the weighted mean of the points in each stretch of time.

    A bin's value is sum(w x) / sum(w) with w = 1 / error**2, its error sum(w)**-0.5. Without
    errors all points weigh the same, and the error is the standard error of their mean, NaN for
    a single point.

    Parameters
    ----------
    times, values, errors : (n,) array
        As for `take_points`; what is not finite is left out.
    width : float
        Of a bin, unit of ``times``.
    start : float, optional
        Where the first bin begins; earlier points are left out. Else the first point.

    Raises
    ------
    ValueError
        As `take_points`; if the width is not above 0 or makes more than ten million bins; if no
        point lies after ``start``.

    References
    ----------
    Bevington & Robinson 2003, Data Reduction and Error Analysis, equations 4.17 and 4.19.
    """
    check_above_zero("width", width)
    points = take_points(times, values, errors, least=1)
    begin = float(points.times[0]) if start is None else start
    turns = np.floor((points.times - begin) / width)
    inside = turns >= 0
    if not inside.any():
        raise ValueError(f"start is {begin}, after the last point at {points.times[-1]}")
    if turns[-1] >= MOST_BINS:
        raise ValueError(f"width {width} makes {turns[-1] + 1:.0f} bins; at most {MOST_BINS}")
    which = turns[inside].astype(np.intp)
    middles = begin + (np.arange(which[-1] + 1) + 0.5) * width
    return _bin(_inside(points, inside), which, middles)


def bin_by_count(
    times: npt.ArrayLike,
    values: npt.ArrayLike,
    errors: npt.ArrayLike | None = None,
    *,
    points: int,
) -> Binned:
    """Give the weighted mean of every so many finite points; the last bin may have fewer.

    Parameters
    ----------
    times, values, errors : (n,) array
        As for `bin_by_width`.
    points : int
        In a bin.

    Raises
    ------
    ValueError
        As `take_points`; if ``points`` is below 1.
    """
    if points < 1:
        raise ValueError(f"points is {points}; a bin needs at least 1")
    found = take_points(times, values, errors, least=1)
    which = np.arange(len(found)) // points
    return _bin(found, which, np.full(which[-1] + 1, np.nan))


def _inside(points: Points, inside: npt.NDArray[np.bool_]) -> Points:
    errors = None if points.errors is None else points.errors[inside]
    return Points(points.times[inside], points.values[inside], errors, points.places[inside])


def _bin(points: Points, which: npt.NDArray[np.intp], middles: Reals) -> Binned:
    """Put points into the bins they belong to; ``middles`` are the times of empty ones."""
    number, weights = middles.size, points.weights()
    counts = np.bincount(which, minlength=number)
    total = _sums(which, weights, number)
    empty = counts == 0
    total[empty] = np.nan

    def mean(numbers: Reals) -> Reals:
        near = float(numbers[0])  # differences keep digits that sums of large numbers lose
        return near + _sums(which, weights * (numbers - near), number) / total

    values = mean(points.values)
    return Binned(
        times=np.where(empty, middles, mean(points.times)),
        values=values,
        errors=_errors(points, which, total, values, counts),
        counts=counts,
    )


def _sums(which: npt.NDArray[np.intp], numbers: Reals, bins: int) -> Reals:
    return np.bincount(which, numbers, bins).astype(np.float64)


def _errors(
    points: Points,
    which: npt.NDArray[np.intp],
    total: Reals,
    values: Reals,
    counts: npt.NDArray[np.integer[Any]],
) -> Reals:
    """Give the standard deviation of each bin's mean."""
    if points.errors is not None:
        known: Reals = np.median(points.errors) / np.sqrt(total)
        return known
    squares = _sums(which, (points.values - values[which]) ** 2, counts.size)
    degrees = np.where(counts > 1, counts - 1, np.nan)
    scattered: Reals = np.sqrt(squares / degrees / np.maximum(counts, 1))
    return scattered
