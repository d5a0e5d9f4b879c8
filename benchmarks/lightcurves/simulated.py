"""Light curves whose period is known, as nightly surveys and space telescopes see them."""

from dataclasses import dataclass

import numpy as np

from lightcurves.analysis.points import Reals

DAYS_PER_YEAR = 365.25
# The band of periods in which stars of RR Lyrae pulsate in their first overtone.
OVERTONE_BELOW_DAYS = 0.42
CADENCE_DAYS = 1 / 48


@dataclass(frozen=True)
class Known:
    """A curve and the truth about it; times in days."""

    times: Reals
    values: Reals
    errors: Reals
    period: float
    epoch: float
    duration: float = 0.0


def nightly_times(rng: np.random.Generator) -> Reals:
    """Draw 100 to 300 visits over one to three years, one or two a night, with seasons and weather.

    The star is up for some months a year; of those nights three in ten are lost. Visits lie
    within one to four hours of when it culminates, or midnight.
    """
    number, years = int(rng.integers(100, 301)), rng.uniform(1, 3)
    nights = np.arange(int(years * DAYS_PER_YEAR))
    season = (nights + rng.uniform(0, DAYS_PER_YEAR)) % DAYS_PER_YEAR
    clear = nights[(season < rng.uniform(150, 260)) & (rng.random(nights.size) > 0.3)]
    often = number > clear.size or rng.random() < 0.5
    chosen = rng.choice(clear, number, replace=often)
    reach = rng.uniform(1, 4) / 24
    return np.sort(chosen + rng.uniform(-reach, reach, number))


def sawtooth(phases: Reals, rise: float, smooth: float) -> Reals:
    """Give a magnitude from 0 at phase 0, its maximum, that fades and rises within ``rise``.

    Parameters
    ----------
    phases : (n,) array
        Of a turn.
    rise : float
        Part of the turn in which it brightens.
    smooth : float
        Standard deviation of the Gaussian that rounds its corners, part of a turn.
    """
    grid = np.arange(4096) / 4096
    sharp = np.where(grid < 1 - rise, grid / (1 - rise), (1 - grid) / rise)
    waves = np.fft.rfft(sharp)
    waves *= np.exp(-2 * (np.pi * np.arange(waves.size) * smooth) ** 2)
    round_one: Reals = np.interp(phases % 1, grid, np.fft.irfft(waves), period=1)
    return round_one


def pulsating(seed: int) -> Known:
    """Draw a star like those of RR Lyrae: period 0.2 to 1 d, noise 0.02 to 0.05 mag."""
    rng = np.random.default_rng(seed)
    times = nightly_times(rng)
    period = float(np.exp(rng.uniform(np.log(0.2), np.log(1.0))))
    is_overtone = period < OVERTONE_BELOW_DAYS
    rise = rng.uniform(0.25, 0.5) if is_overtone else rng.uniform(0.1, 0.3)
    amplitude = rng.uniform(0.3, 0.6) if is_overtone else rng.uniform(0.4, 1.2)
    epoch, noise = float(rng.uniform(0, period)), rng.uniform(0.02, 0.05)
    shape = sawtooth((times - epoch) / period, rise, rng.uniform(0.02, 0.04))
    values = 16 + amplitude * shape + rng.normal(0, noise, times.size)
    return Known(times, values, np.full(times.size, noise), period, epoch)


def transiting(seed: int) -> Known:
    """Draw 27 d of a star with a planet: every half hour, a gap, a slow wave, noise of 0.001."""
    rng = np.random.default_rng(seed)
    times = np.arange(0, 27, CADENCE_DAYS)
    times = times[np.abs(times - 13.5) > 0.6]
    period, duration = float(rng.uniform(1, 8)), float(rng.uniform(0.1, 0.25))
    epoch, depth = float(rng.uniform(0, period)), rng.uniform(0.003, 0.01)
    from_middle = np.abs((times - epoch + period / 2) % period - period / 2)
    wave = 1 + rng.uniform(0, 0.01) * np.sin(2 * np.pi * times / rng.uniform(5, 15))
    values = wave * (1 - depth * (from_middle < duration / 2)) + rng.normal(0, 1e-3, times.size)
    return Known(times, values, np.full(times.size, 1e-3), period, epoch, duration)
