"""Gain, read noise and dark current, measured from pairs of calibration frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from preprocessing.raw.averages import Pixels, spread

Floats = NDArray[np.float64]

# Cells small enough that illumination is even, with enough pixels for 2 % of sigma each.
CELL_PX = 48
LEAST_CELLS = 4
# Below this share of variance from light, a difference of variances is noise.
LEAST_PHOTON_SHARE = 0.3


@dataclass(frozen=True)
class Measured:
    """A figure and its 1-sigma error."""

    value: float
    error: float


def read_noise_adu(frames: Sequence[Pixels]) -> Measured | None:
    """Give the noise of one pixel of like, dark frames; None of a single frame.

    From differences of neighbouring pairs, cell by cell: what frames share cancels.
    """
    found = [pair_variance(one, other, 1.0) / 2 for one, other in pairwise(frames)]
    if not found:
        return None
    variance = middle_of(np.concatenate(found))
    if variance is None or variance.value <= 0:
        return None
    noise = float(np.sqrt(variance.value))
    return Measured(noise, variance.error / (2 * noise))


def gain_of_pair(one: Pixels, other: Pixels, noise_adu: float) -> Measured | None:
    """Give the gain, e-/ADU, that the photon noise of two flats of one filter shows.

    Parameters
    ----------
    one, other : (ny, nx) float32 arrays
        ADU above bias; their levels may differ.
    noise_adu : float
        Read noise of one pixel, ADU.

    Returns
    -------
    Measured or None
        None where the frames are too faint, or too uneven, to tell.

    Notes
    -----
    With the second frame scaled by k to the level of the first, the difference has the variance
    ``(n1 + k^2 n2) / g + (1 + k^2) r^2``.

    References
    ----------
    Janesick 2001, Scientific Charge-Coupled Devices, section 2.2 (photon transfer).
    """
    first, second = (float(np.nanmedian(frame)) for frame in (one, other))
    if not (first > 0 and second > 0):
        return None
    k = first / second
    variance = pair_variance(one, other, k)
    light = cell_means(one) + k**2 * cell_means(other)
    dark = (1 + k**2) * noise_adu**2
    usable = np.isfinite(variance) & (variance - dark > LEAST_PHOTON_SHARE * variance)
    # The ratio of sums is not biased by the scatter of single variances, as a mean of ratios is.
    inverse = middle_of((variance[usable] - dark) / light[usable])
    if inverse is None or inverse.value <= 0:
        return None
    return Measured(1 / inverse.value, inverse.error / inverse.value**2)


def gain_of_flats(flats: Sequence[Pixels], noise_adu: float) -> Measured | None:
    """Give the mean gain of neighbouring pairs of flats; None where no pair tells."""
    pairs = [gain_of_pair(one, other, noise_adu) for one, other in pairwise(flats)]
    found = [pair for pair in pairs if pair is not None]
    if not found:
        return None
    values = np.array([pair.value for pair in found])
    inner = float(np.sqrt(np.mean([pair.error**2 for pair in found]) / len(found)))
    # Flats share frames between pairs and a shutter that may not be even: what they differ by
    # is part of the error.
    outer = float(values.std(ddof=1) / np.sqrt(values.size)) if values.size > 1 else 0.0
    return Measured(float(values.mean()), max(inner, outer))


def pair_variance(one: Pixels, other: Pixels, factor: float) -> Floats:
    """Give the variance of ``one - factor * other`` in every cell, without outliers."""
    rows, columns = (side // CELL_PX for side in one.shape)
    found = np.full(rows * columns, np.nan)
    for cell in range(rows * columns):
        y, x = (CELL_PX * each for each in divmod(cell, columns))
        window = slice(y, y + CELL_PX), slice(x, x + CELL_PX)
        left = one[window].astype(np.float64) - factor * other[window]
        if np.isfinite(left).mean() > 0.5:
            found[cell] = spread(left.ravel()) ** 2
    return found


def cell_means(frame: Pixels) -> Floats:
    """Give the mean of every cell; NaN pixels are left out."""
    rows, columns = (side // CELL_PX for side in frame.shape)
    cells = frame[: rows * CELL_PX, : columns * CELL_PX].astype(np.float64)
    cells = cells.reshape(rows, CELL_PX, columns, CELL_PX).swapaxes(1, 2)
    cells = cells.reshape(rows * columns, CELL_PX**2)
    counts = np.isfinite(cells).sum(axis=1)
    return np.asarray(np.nansum(cells, axis=1) / np.where(counts > 0, counts, np.nan))


def middle_of(values: Floats) -> Measured | None:
    """Give the mean of figures of many cells without outliers; None of too few cells."""
    values = values[np.isfinite(values)]
    if values.size < LEAST_CELLS:
        return None
    sigma = spread(values)
    near = values[np.abs(values - np.median(values)) <= 4 * max(sigma, 1e-12)]
    return Measured(float(near.mean()), float(near.std() / np.sqrt(near.size)))


def dark_current(level_adu: float, exposure_s: float, gain: float | None) -> dict[str, float]:
    """Give the dark current in ADU/s and, where the gain is known, e-/s."""
    if not exposure_s > 0:
        return {}
    rate = level_adu / exposure_s
    return {"dark_current_adu_s": rate} | ({"dark_current_e_s": rate * gain} if gain else {})
