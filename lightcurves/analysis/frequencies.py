"""Which frequencies to try, and what power each has."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lightcurves.analysis.points import Points, Reals, check_above_zero

# Points in a row whose steps are mostly alike: their Nyquist frequency ends the grid.
REGULAR_SHARE = 0.8
REGULAR_WITHIN = 0.1
# Irregular times tell of periods far below their mean step. Pulsating stars with larger
# amplitudes than a few hundredths of a magnitude seldom have periods below 0.1 d.
SHORTEST_IRREGULAR_DAYS = 0.1
# Two turns must be seen to call something periodic.
LEAST_TURNS = 2.0
MOST_FREQUENCIES = 20_000_000


@dataclass(frozen=True)
class Range:
    """Periods to look among, unit of the times; None: what baseline and cadence allow.

    ``oversampling`` is the number of frequencies in a peak, whose width is one over the baseline.
    VanderPlas 2018, ApJS 236, 16, section 7.1, advises 5 to 10.
    """

    shortest: float | None = None
    longest: float | None = None
    oversampling: int = 10

    def __post_init__(self) -> None:
        for name in ("shortest", "longest"):
            if (value := getattr(self, name)) is not None:
                check_above_zero(name, value)
        if self.oversampling < 1:
            raise ValueError(f"oversampling is {self.oversampling}; it must be at least 1")


def limits(points: Points, wanted: Range) -> tuple[float, float]:
    """Give the shortest and the longest period to try.

    Raises
    ------
    ValueError
        If the points span no time, or the shortest is not below the longest.
    """
    if points.span == 0:
        raise ValueError(f"all {len(points)} points are at {points.times[0]}; they span no time")
    longest = points.span / LEAST_TURNS if wanted.longest is None else wanted.longest
    shortest = _shortest(points.times) if wanted.shortest is None else wanted.shortest
    if shortest >= longest:
        raise ValueError(
            f"shortest is {shortest:g} and longest {longest:g} (points span {points.span:g}); "
            "there is no period between"
        )
    return shortest, longest


def _shortest(times: Reals) -> float:
    """Give twice the step of regular times, else a tenth of a day or what few points allow."""
    steps = np.diff(times)
    steps = steps[steps > 0]
    step = float(np.median(steps))
    alike = np.abs(steps - step) < REGULAR_WITHIN * step
    return 2 * step if alike.mean() >= REGULAR_SHARE else SHORTEST_IRREGULAR_DAYS


def frequency_grid(points: Points, wanted: Range) -> Reals:
    """Give frequencies in equal steps, so many in a peak as `Range` says.

    Raises
    ------
    ValueError
        As `limits`; if that makes more than twenty million.
    """
    shortest, longest = limits(points, wanted)
    step = 1 / (wanted.oversampling * points.span)
    number = int((1 / shortest - 1 / longest) / step) + 1
    if number > MOST_FREQUENCIES:
        raise ValueError(
            f"periods from {shortest:g} to {longest:g} make {number} frequencies; "
            f"at most {MOST_FREQUENCIES}: choose a longer shortest one"
        )
    grid: Reals = 1 / longest + step * np.arange(number)
    return grid


def peaks(powers: Reals, number: int) -> npt.NDArray[np.intp]:
    """Give the indices of the highest local maxima, highest first."""
    padded = np.concatenate([[-np.inf], powers, [-np.inf]])
    tops = np.flatnonzero((powers > padded[:-2]) & (powers >= padded[2:]))
    return tops[np.argsort(powers[tops])[::-1][:number]]
