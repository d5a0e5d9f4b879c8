"""The period of a light curve, by Lomb and Scargle and by Fourier series."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from astropy.timeseries import LombScargle, LombScargleMultiband

from lightcurves.analysis.candidates import rank, relation
from lightcurves.analysis.frequencies import Range, frequency_grid, peaks
from lightcurves.analysis.harmonics import Series, columns, solve
from lightcurves.analysis.points import Points, Reals, take_points

# A sine, a mean and a frequency are four numbers; twice as many points say something of them.
LEAST_POINTS = 8
MOST_RIVALS = 5


@dataclass(frozen=True)
class Search:
    """How a period is looked for."""

    range: Range = field(default_factory=Range)
    peaks: int = 8  # of the periodogram that are looked at closely
    harmonics: int = 6  # a Fourier series has at most

    def __post_init__(self) -> None:
        for name in ("peaks", "harmonics"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")


@dataclass(frozen=True)
class Rival:
    """Another period that fits, worse by ``worse_by`` of the information criterion."""

    period: float
    relation: str
    worse_by: float


@dataclass(frozen=True)
class Periodicity:
    """The period of a curve, unit of its times."""

    period: float
    period_error: float
    epoch: float  # a time of greatest value
    amplitude: float  # half the range of the fitted series, unit of the values
    harmonics: int
    power: float  # of Lomb and Scargle at the highest peak, 0 to 1
    false_alarm_probability: float  # of that peak; NaN for several bands
    explained: float  # part of the variance that the series takes away
    rivals: tuple[Rival, ...]


@dataclass(frozen=True)
class Periodogram:
    """Power of Lomb and Scargle, 0 to 1, by frequency."""

    frequencies: Reals
    powers: Reals
    false_alarm_probability: float  # of the highest peak; NaN for several bands


def measure_periodogram(
    times: npt.ArrayLike,
    values: npt.ArrayLike,
    errors: npt.ArrayLike | None = None,
    *,
    bands: npt.ArrayLike | None = None,
    wanted: Range | None = None,
) -> Periodogram:
    """Give the power of a sine at each frequency that baseline and cadence allow.

    Parameters
    ----------
    times, values, errors : (n,) array
        As for `take_points`.
    bands : (n,) array, optional
        The band of each point, any labels; each band has a mean and a sine of its own.
    wanted : Range, optional
        Of periods.

    Raises
    ------
    ValueError
        As `take_points` and `frequency_grid`; if values do not vary.

    References
    ----------
    VanderPlas 2018, ApJS 236, 16. Baluev 2008, MNRAS 385, 1279 (false alarms).
    VanderPlas & Ivezic 2015, ApJ 812, 18 (several bands).
    """
    parts = _parts(times, values, errors, bands)
    return _periodogram(parts, wanted or Range())


def find_period(
    times: npt.ArrayLike,
    values: npt.ArrayLike,
    errors: npt.ArrayLike | None = None,
    *,
    bands: npt.ArrayLike | None = None,
    search: Search | None = None,
) -> Periodicity:
    """Give the period of a curve, of whatever shape.

    The highest peaks of the periodogram are candidates, and so are half, twice and a third of
    their periods, and what the gaps of nights and days make of them: 1 / (f ± 1 / d). At each a
    Fourier series of as many harmonics as pay is fitted; the best by the extended Bayesian
    information criterion has the period. That tells a sawtooth from its aliases, which fit its
    flanks worse, and an eclipsing star with unlike minima from half its period. Equal minima have
    half.

    Parameters
    ----------
    times, values, errors, bands : (n,) array
        As for `measure_periodogram`; at least eight points.
    search : Search, optional
        Range of periods, number of peaks and harmonics.

    Raises
    ------
    ValueError
        As `measure_periodogram`.

    References
    ----------
    Montgomery & O'Donoghue 1999, DSSN 13, 28 (error of a frequency).
    """
    how = search or Search()
    parts = _parts(times, values, errors, bands)
    found = _periodogram(parts, how.range)
    tops = found.frequencies[peaks(found.powers, how.peaks)]
    ranked = rank(
        parts, tops, bounds=(found.frequencies[0], found.frequencies[-1]), most=how.harmonics
    )
    return _describe(parts, ranked, found)


def _parts(
    times: npt.ArrayLike,
    values: npt.ArrayLike,
    errors: npt.ArrayLike | None,
    bands: npt.ArrayLike | None,
) -> list[Points]:
    """Give the points of each band that varies and has enough of them."""
    points = take_points(times, values, errors, least=LEAST_POINTS)
    parts = [points] if bands is None else list(_by_band(points, np.shape(times), bands))
    varied = [part for part in parts if np.ptp(part.values) > 0]
    if not varied:
        raise ValueError(f"all values are {points.values[0]:g}; what is constant has no period")
    kept = [part for part in varied if len(part) >= LEAST_POINTS]
    if not kept:
        most = max(map(len, varied))
        raise ValueError(f"no band has more than {most} points; at least {LEAST_POINTS} are needed")
    return sorted(kept, key=len, reverse=True)


def _by_band(points: Points, shape: tuple[int, ...], bands: npt.ArrayLike) -> Iterator[Points]:
    labels = np.asarray(bands)
    if labels.shape != shape:
        raise ValueError(f"bands has shape {labels.shape}, times {shape}")
    own = labels[points.places]
    for one in np.unique(own):
        yield _choose(points, own == one)


def _choose(points: Points, chosen: npt.NDArray[np.bool_]) -> Points:
    errors = None if points.errors is None else points.errors[chosen]
    return Points(points.times[chosen], points.values[chosen], errors, points.places[chosen])


def _joined(parts: Sequence[Points]) -> Points:
    """Give the points of all bands in order of time, without errors."""
    times = np.concatenate([part.times for part in parts])
    order = np.argsort(times, kind="stable")
    values = np.concatenate([part.values for part in parts])
    return Points(times[order], values[order], None, order)


def _periodogram(parts: Sequence[Points], wanted: Range) -> Periodogram:
    grid = frequency_grid(_joined(parts), wanted)
    if len(parts) > 1:
        return Periodogram(grid, _multiband(parts, grid), float("nan"))
    (points,) = parts
    lomb = LombScargle(points.times, points.values, points.errors)
    powers = lomb.power(grid, assume_regular_frequency=True)
    chance = lomb.false_alarm_probability(
        powers.max(), minimum_frequency=grid[0], maximum_frequency=grid[-1]
    )
    return Periodogram(grid, powers, float(chance))


def _multiband(parts: Sequence[Points], grid: Reals) -> Reals:
    """Give the power in all bands, each weighted by what it says."""
    has_errors = all(part.errors is not None for part in parts)
    errors = np.concatenate([part.errors for part in parts]) if has_errors else None
    lomb = LombScargleMultiband(
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
        errors,
    )
    powers: Reals = lomb.power(grid, method="fast")
    return powers


def _describe(parts: Sequence[Points], ranked: Sequence[Series], found: Periodogram) -> Periodicity:
    """Say what the best series says; of several bands the one with most points has the shape."""
    best, points = ranked[0], parts[0]
    phases, wave = _wave(points, best)
    amplitude = float(np.ptp(wave)) / 2
    total = sum(solve(part, best.frequency, 0)[1] for part in parts)
    return Periodicity(
        period=1 / best.frequency,
        period_error=_frequency_error(points, best, amplitude) / best.frequency**2,
        epoch=float(points.times[0] + phases[np.argmax(wave)] / best.frequency),
        amplitude=amplitude,
        harmonics=best.harmonics,
        power=float(found.powers.max()),
        false_alarm_probability=found.false_alarm_probability,
        explained=1 - best.rest / total,
        rivals=tuple(_rival(best, other) for other in ranked[1 : 1 + MOST_RIVALS]),
    )


def _wave(points: Points, series: Series) -> tuple[Reals, Reals]:
    """Give phases of one turn, and the fitted series at each."""
    factors, _ = solve(points, series.frequency, series.harmonics)
    phases = np.arange(1000) / 1000
    return phases, factors @ columns(phases, 1.0, series.harmonics)


def _frequency_error(points: Points, series: Series, amplitude: float) -> float:
    """Give sqrt(6 / n) s / (pi T a): n points over a time T scatter by s about a wave of a."""
    factors, _ = solve(points, series.frequency, series.harmonics)
    shown = factors @ columns(points.times - points.times[0], series.frequency, series.harmonics)
    scatter = float(np.std(points.values - shown))
    return float(np.sqrt(6 / len(points)) * scatter / (np.pi * points.span * amplitude))


def _rival(best: Series, other: Series) -> Rival:
    return Rival(
        period=1 / other.frequency,
        relation=relation(best.frequency, other.frequency),
        worse_by=other.criterion - best.criterion,
    )
