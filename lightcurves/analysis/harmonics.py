"""Fourier series fitted to light curves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lightcurves.analysis.points import Points, Reals

# Steps to either side, twice: the second time between two steps of the first.
REFINING_STEPS = 5


@dataclass(frozen=True)
class Series:
    """How well a Fourier series of so many harmonics stands for a curve at a frequency."""

    frequency: float
    harmonics: int
    rest: float  # sum of weighted squares that is left
    criterion: float  # extended Bayesian information; the least is the best


def columns(times: Reals, frequency: float, harmonics: int) -> Reals:
    """Give 1, then cosines and sines of each harmonic: (1 + 2 harmonics, n)."""
    turn = np.exp(2j * np.pi * frequency * times)
    found, wave = [np.ones(times.size)], np.ones(times.size, complex)
    for _ in range(harmonics):
        wave = wave * turn
        found += [wave.real, wave.imag]
    return np.array(found)


def solve(points: Points, frequency: float, harmonics: int) -> tuple[Reals, float]:
    """Fit a series by weighted least squares, times counted from the first point.

    Returns
    -------
    (1 + 2 harmonics,) array, float
        Factors of `columns`, and the sum of squares left over, in units of the errors' variance
        (of the values squared, if there are no errors).
    """
    weights = points.weights()
    if points.errors is not None:
        weights = weights / np.median(points.errors) ** 2
    known = columns(points.times - points.times[0], frequency, harmonics)
    mean = float(np.average(points.values, weights=weights))
    wanted = points.values - mean
    square = (known * weights) @ known.T
    factors, *_ = np.linalg.lstsq(square, (known * weights) @ wanted, rcond=1e-12)
    rest = float((weights * (wanted - factors @ known) ** 2).sum())
    factors[0] += mean
    return factors, rest


def residue(bands: Sequence[Points], frequency: float, harmonics: int) -> float:
    """Give what a series of its own leaves in each band, summed."""
    return sum(solve(points, frequency, harmonics)[1] for points in bands)


def refine(bands: Sequence[Points], frequency: float, harmonics: int, width: float) -> float:
    """Give the frequency of least residue within ``width`` of one, on a grid and a finer one."""
    for reach in (width, width / REFINING_STEPS):
        steps = np.linspace(-reach, reach, 2 * REFINING_STEPS + 1)
        around = [float(one) for one in frequency + steps if one > 0]
        frequency = min(around, key=lambda one: residue(bands, one, harmonics))
    return frequency


def fit(bands: Sequence[Points], frequency: float, harmonics: int, *, among: int = 1) -> Series:
    """Fit a series, and judge it by the extended Bayesian information criterion.

    The criterion is n ln(rest / n) + k ln(n) for n points and k fitted numbers, and 2 ln(among)
    for each harmonic of a series that is chosen ``among`` so many: one of them fits by chance. It
    needs no scale of the errors: those of real curves are seldom right.

    References
    ----------
    Schwarz 1978, Ann. Statist. 6, 461; Chen & Chen 2008, Biometrika 95, 759 (eq. 6).
    """
    n = sum(map(len, bands))
    rest = residue(bands, frequency, harmonics)
    numbers = 1 + len(bands) * (1 + 2 * harmonics)  # the frequency is one of them
    smallest = np.finfo(float).tiny  # a perfect fit has no logarithm
    price = numbers * np.log(n) + 2 * len(bands) * harmonics * np.log(among)
    criterion = n * np.log(max(rest, smallest) / n) + price
    return Series(frequency, harmonics, rest, float(criterion))
