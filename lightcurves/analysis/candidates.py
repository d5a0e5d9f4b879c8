"""Frequencies that might be that of a curve, and which of them fits best."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from lightcurves.analysis.harmonics import Series, fit, refine, residue
from lightcurves.analysis.points import Points

# What the gaps of nights, by Sun and stars, add to a frequency or take from it, per day.
ALIASES = {"1 / d": 1.0, "1 / sidereal d": 1.0027379, "2 / d": 2.0}
# Times the frequency: other numbers of waves in a turn.
MULTIPLES = {"twice the period": 0.5, "half the period": 2.0, "three times the period": 1 / 3}
# Highest peaks whose aliases and multiples are tried too, and candidates that are fitted closely.
EXPANDED = 3
CLOSELY = 8
# Enough harmonics to tell shapes apart when candidates are chosen.
ROUGH_HARMONICS = 2
FINE_HARMONICS = 4


def rank(
    bands: Sequence[Points],
    tops: npt.NDArray[np.floating],
    *,
    bounds: tuple[float, float],
    most: int,
) -> list[Series]:
    """Give the series that fit best, best first, each of another frequency.

    Parameters
    ----------
    bands : sequence of Points
        Each has a series of its own, at one frequency.
    tops : (n,) array
        Frequencies of the highest peaks, highest first.
    bounds : (float, float)
        The lowest and highest frequency to try.
    most : int
        Harmonics at most; fewer where there are few points.
    """
    width = 1 / _span(bands)
    most = min(most, _affordable(bands))
    near = [refine(bands, float(top), 1, width / 4) for top in tops]
    tried = distinct((f for f in expand(near) if bounds[0] <= f <= bounds[1]), width / 2)
    rough = min(ROUGH_HARMONICS, most)
    tried.sort(key=lambda one: residue(bands, one, rough))
    fine = [_best(bands, one, width, most) for one in tried[:CLOSELY]]
    return sorted(fine, key=lambda one: one.criterion)


def _best(bands: Sequence[Points], frequency: float, width: float, most: int) -> Series:
    """Fit series of one and more harmonics near a frequency; give the one that pays."""
    exact = refine(bands, frequency, min(FINE_HARMONICS, most), width / 4)
    among = CLOSELY * most
    series = [fit(bands, exact, harmonics, among=among) for harmonics in range(1, most + 1)]
    return min(series, key=lambda one: one.criterion)


def _affordable(bands: Sequence[Points]) -> int:
    """Give how many harmonics leave two points for each fitted number."""
    return max(1, (min(map(len, bands)) // 2 - 2) // 2)


def _span(bands: Sequence[Points]) -> float:
    return float(max(part.times[-1] for part in bands) - min(part.times[0] for part in bands))


def expand(frequencies: Sequence[float]) -> Iterator[float]:
    """Give frequencies, then the multiples and aliases of the first few."""
    yield from frequencies
    for one in frequencies[:EXPANDED]:
        yield from (one * factor for factor in MULTIPLES.values())
        for shift in ALIASES.values():
            yield from (one + shift, abs(one - shift))


def distinct(frequencies: Iterator[float], apart: float) -> list[float]:
    """Keep the first of frequencies that lie within ``apart``."""
    kept: list[float] = []
    for one in frequencies:
        if all(abs(one - other) > apart for other in kept):
            kept.append(one)
    return kept


def relation(frequency: float, other: float) -> str:
    """Say what another frequency is to one, within a hundredth of it; "" if nothing simple."""
    for name, factor in MULTIPLES.items():
        if np.isclose(other, frequency * factor, rtol=0.01):
            return name
    for name, shift in ALIASES.items():
        for alias in (frequency + shift, abs(frequency - shift)):
            if np.isclose(other, alias, rtol=0.002):
                return f"alias by {name}"
    return ""
