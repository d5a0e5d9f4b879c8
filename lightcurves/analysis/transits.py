"""Dips of a light curve that come again, as of a planet before its star."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from astropy.timeseries import BoxLeastSquares

from lightcurves.analysis.points import Points, Reals, check_above_zero, take_points

LEAST_POINTS = 20
# Hours of transit: of planets from a day's period to a year's.
DURATIONS_DAYS = (0.05, 0.1, 0.2, 0.33)
SHORTEST_DAYS = 0.5
# Three transits make a period; two give it or a fraction of it.
LEAST_TURNS = 3
MOST_PERIODS = 2_000_000
# A fine look around the best period, in parts of the grid's step.
FINE_STEPS = 40


@dataclass(frozen=True)
class BoxSearch:
    """Which boxes are tried; unit of the times.

    ``shortest`` and ``longest`` bound the period; by default half a day, or twice the longest
    duration if that is more, to a third of the baseline.
    """

    durations: tuple[float, ...] = DURATIONS_DAYS
    shortest: float | None = None
    longest: float | None = None

    def __post_init__(self) -> None:
        if not self.durations:
            raise ValueError("durations is empty; it needs at least one")
        for duration in self.durations:
            check_above_zero("duration", duration)
        for name in ("shortest", "longest"):
            if (value := getattr(self, name)) is not None:
                check_above_zero(name, value)


@dataclass(frozen=True)
class Transit:
    """The box that explains most of a curve; unit of its times and values."""

    period: float
    epoch: float  # the middle of a dip
    duration: float
    depth: float  # below the rest of the curve
    depth_error: float
    snr: float  # depth over its error
    detection_efficiency: float  # of the peak: its height above the mean of powers, in their std
    transits: int  # dips with at least one point


def find_transit(
    times: npt.ArrayLike,
    values: npt.ArrayLike,
    errors: npt.ArrayLike | None = None,
    *,
    search: BoxSearch | None = None,
) -> Transit:
    """Give the period, duration and depth of the box-shaped dip that explains a curve best.

    The curve should be flat but for its dips: detrend it first. Values are fluxes; a dip of
    magnitudes is a rise.

    Parameters
    ----------
    times, values, errors : (n,) array
        As for `take_points`; at least twenty points.
    search : BoxSearch, optional
        Durations and periods.

    Raises
    ------
    ValueError
        As `take_points`; if values do not vary, no period lies between the shortest and the
        longest, a duration is not below the shortest, or periods are too many.

    References
    ----------
    Kovacs, Zucker & Mazeh 2002, A&A 391, 369. Hartman & Bakos 2016, Astron. Comput. 17, 1.
    """
    points = take_points(times, values, errors, least=LEAST_POINTS)
    if np.ptp(points.values) == 0:
        raise ValueError(f"all values are {points.values[0]:g}; what is constant has no dip")
    how = search or BoxSearch()
    boxes = BoxLeastSquares(points.times, points.values, _errors(points))
    periods = _periods(boxes, points, how)
    coarse = boxes.power(periods, how.durations)
    best = int(np.argmax(coarse.power))
    fine = boxes.power(_around(periods, best), how.durations)
    return _describe(boxes, fine, coarse.power, points)


def _errors(points: Points) -> Reals:
    """Give the errors, or the noise from one point to the next where there are none."""
    if points.errors is not None:
        return points.errors
    noise = 1.4826 * float(np.median(np.abs(np.diff(points.values)))) / 2**0.5
    return np.full(len(points), noise or float(np.std(points.values)))


def _periods(boxes: BoxLeastSquares, points: Points, how: BoxSearch) -> Reals:
    longest = points.span / LEAST_TURNS if how.longest is None else how.longest
    shortest = how.shortest or max(SHORTEST_DAYS, 2 * max(how.durations))
    if shortest >= longest:
        raise ValueError(
            f"shortest is {shortest:g} and longest {longest:g} (points span {points.span:g}); "
            "there is no period between"
        )
    if max(how.durations) >= shortest:
        raise ValueError(
            f"duration {max(how.durations):g} is not below the shortest period, {shortest:g}"
        )
    # The step of Hartman & Bakos: a dip's shift over the baseline stays below its duration.
    number = (1 / shortest - 1 / longest) * points.span**2 / min(how.durations)
    if number > MOST_PERIODS:
        raise ValueError(
            f"periods from {shortest:g} to {longest:g} are {number:.0f}; at most {MOST_PERIODS}: "
            "choose a longer shortest one or longer durations"
        )
    found: Reals = boxes.autoperiod(
        how.durations, minimum_period=shortest, maximum_period=longest, frequency_factor=1.0
    )
    return found


def _around(periods: Reals, best: int) -> Reals:
    """Give finer periods between the neighbours of one."""
    near = periods[max(0, best - 1) : best + 2]
    return np.linspace(near.min(), near.max(), 2 * FINE_STEPS + 1)


def _describe(boxes: BoxLeastSquares, fine: object, powers: Reals, points: Points) -> Transit:
    best = int(np.argmax(fine.power))  # type: ignore[attr-defined]
    period, duration, epoch, depth, depth_error, snr = (
        float(getattr(fine, name)[best])
        for name in ("period", "duration", "transit_time", "depth", "depth_err", "depth_snr")
    )
    inside = boxes.transit_mask(points.times, period, duration, epoch)
    turns = np.round((points.times[inside] - epoch) / period)
    spread = float(np.std(powers))
    return Transit(
        period=period,
        epoch=epoch,
        duration=duration,
        depth=depth,
        depth_error=depth_error,
        snr=snr,
        detection_efficiency=float((powers.max() - powers.mean()) / spread) if spread else 0.0,
        transits=int(np.unique(turns).size),
    )
