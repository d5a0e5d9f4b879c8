"""How much a frame's noise was correlated by an interpolation before it came to us."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]
Floats = NDArray[np.float64]
Lag = tuple[int, int]

# Pixels apart, along the rows and along the columns: as far as interpolation kernels reach, and
# one lag far beyond, which shows what the structure of the sky does to all.
REACH, BEYOND = 4, 9
LAGS: tuple[Lag, ...] = (
    *((0, along) for along in (*range(1, REACH + 1), BEYOND)),
    *((down, 0) for down in (*range(1, REACH + 1), BEYOND)),
)
# Enough pixels for 1 %; more rows would only cost time.
BAND_ROWS, BANDS = 64, 8
# Cosmic rays and defects that no mask holds.
CLIP_SIGMA = 4.0
# Interpolation weakens the finest structure. [1, -2, 1] and [1, 0, -2, 0, 1] see it at 0.5 and at
# 0.25 cycles per pixel, where no star is left: the variance of the one less that of the other, in
# correlations at lags 1, 2, 3, 4. A Lanczos-3 shift by 0.1 px gives -0.05, faint stars 0.005.
FINE = np.array([-8.0, 10.0, 0.0, -2.0]) / 6
LEAST_LOSS, SIGNIFICANT_SIGMA = 0.015, 3.0
# Each axis of a bilinear interpolation at the half pixel doubles the power; no kernel in use does
# worse, and what looks like more is the sky's.
LARGEST_POWER = 4.0


def low_frequency_power(sky: Iterable[Pixels]) -> float:
    """Give the noise power at low frequency over the variance of single pixels.

    1 for independent pixels, more for a frame that was interpolated: the product over both axes of
    ``1 + 2 sum rho`` over the lags of a kernel. A matched filter sees this power, not the variance.
    Sources too faint to be masked correlate pixels, too, but only broadly: a frame that has not
    lost its finest structure was not interpolated. In one that was, pixels below the sky are
    related to their neighbours: noise goes both ways, sources do not.

    Parameters
    ----------
    sky : (rows, nx) float32 arrays
        Bands of a frame without sources, above the sky and over its scatter; NaN is left out.

    Returns
    -------
    float
        1 to 4. Exactly 1 for a frame that was not interpolated.
    """
    sums, pairs = np.zeros((2, len(LAGS) + 1))
    for band in sky:
        good = np.isfinite(band)
        line = np.clip(np.where(good, band, np.float32(0)), -CLIP_SIGMA, CLIP_SIGMA)
        known = good.astype(np.float32)
        sums += lagged(np.minimum(line, 0), line)
        pairs += lagged(known, known)
        if is_plain(sums, pairs):
            return 1.0
    if pairs.min() < 1 or sums[0] <= 0:
        return 1.0
    rho = correlations(sums, pairs)
    if (rho @ FINE).mean() > -max(LEAST_LOSS, SIGNIFICANT_SIGMA * fine_error(pairs)):
        return 1.0
    return float(np.clip(np.prod(1 + 2 * rho.sum(axis=1)), 1.0, LARGEST_POWER))


def correlations(sums: Floats, pairs: Floats) -> Floats:
    """Give the correlations at the lags of a kernel, along the rows and then along the columns."""
    rho = ((sums / pairs) / (sums[0] / pairs[0]))[1:].reshape(2, REACH + 1)
    return np.asarray(rho[:, :REACH] - rho[:, REACH:])


def fine_error(pairs: Floats) -> float:
    """Give the error of the finest structure that is lost, the mean of both axes."""
    # Of half of the pixels with all: var(rho) = 1.5 / pairs.
    return float(np.sqrt(1.5 * (FINE**2).sum() / (2 * pairs[0])))


def is_plain(sums: Floats, pairs: Floats) -> bool:
    """Tell whether the bands seen so far have their finest structure, whatever others show."""
    if pairs.min() < 1 or sums[0] <= 0:
        return False
    kept = (correlations(sums, pairs) @ FINE).mean()
    return bool(kept - SIGNIFICANT_SIGMA * fine_error(pairs) > -LEAST_LOSS)


def bands(rows: int) -> list[slice]:
    """Give bands of rows spread over the frame."""
    tops = np.linspace(0, max(0, rows - BAND_ROWS), min(BANDS, -(-rows // BAND_ROWS)))
    return [slice(int(top), min(int(top) + BAND_ROWS, rows)) for top in tops]


def lagged(low: Pixels, values: Pixels) -> Floats:
    """Give, for each lag, the mean of the sums of products ``low`` before and after ``values``."""
    width = values.shape[1] + BEYOND
    # Behind each row so many zeros that a lag along the rows is one along the whole band.
    first, second = (np.pad(plane, ((0, 0), (0, BEYOND))).ravel() for plane in (low, values))
    orders = ((first, second),) if low is values else ((first, second), (second, first))
    offsets = [down * width + along for down, along in ((0, 0), *LAGS)]
    products = [
        [np.dot(before[: before.size - offset], after[offset:]) for offset in offsets]
        for before, after in orders
    ]
    return np.asarray(np.mean(products, axis=0, dtype=np.float64))
