"""How much a frame's noise was correlated by an interpolation before it came to us."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]
Floats = NDArray[np.float64]
Lag = tuple[int, int]

# Half of the lags that an interpolation kernel can reach; the other half mirrors them.
NEAR: tuple[Lag, ...] = (
    *((0, 1), (0, 2), (1, -2), (1, -1), (1, 0), (1, 1), (1, 2)),
    *((2, -2), (2, -1), (2, 0), (2, 1), (2, 2)),
)
# Faint sources and sky structure correlate these as well: what they show is no interpolation.
FAR: tuple[Lag, ...] = ((0, 4), (4, 0), (3, 3), (3, -3))
WIDEST_LAG = max(abs(along) for _, along in (*NEAR, *FAR))
# Enough pixels for 0.5 %; more rows would only cost time.
BAND_ROWS, BANDS = 64, 8
SIGNIFICANT_SIGMA = 3.0
# Each axis of a bilinear interpolation at the half pixel doubles the power; no kernel in use does
# worse, and what looks like more is the sky's.
LARGEST_POWER = 4.0


def low_frequency_power(sky: Iterable[Pixels]) -> float:
    """Give the noise power at low frequency over the variance of single pixels.

    1 for independent pixels, more for a frame that was interpolated: ``1 + 2 sum rho`` over the
    lags of a kernel. A matched filter sees this power, not the variance.

    Parameters
    ----------
    sky : (rows, nx) float32 arrays
        Bands of a frame without sources, above the sky and over its scatter; NaN is left out.

    Returns
    -------
    float
        1 to 4. Exactly 1 when the excess over 1 is not significant (3 sigma).
    """
    sums, pairs = np.zeros((2, len(NEAR) + len(FAR) + 1))
    for band in sky:
        good = np.isfinite(band)
        sums += lagged(np.where(good, band, np.float32(0)))
        pairs += lagged(good.astype(np.float32))
    if pairs.min() < 1 or sums[0] <= 0:
        return 1.0
    rho = (sums / pairs) / (sums[0] / pairs[0])
    near, far = rho[1 : 1 + len(NEAR)], rho[1 + len(NEAR) :]
    power = 1 + 2 * float((near - far.mean()).sum())
    # var(rho) = 1 / pairs for each lag; the mean of ``far`` is taken away from all ``near``.
    error = 2 * np.sqrt((len(NEAR) + len(NEAR) ** 2 / len(FAR)) / pairs[0])
    return min(power, LARGEST_POWER) if power > 1 + SIGNIFICANT_SIGMA * error else 1.0


def bands(rows: int) -> list[slice]:
    """Give bands of rows spread over the frame."""
    tops = np.linspace(0, max(0, rows - BAND_ROWS), min(BANDS, -(-rows // BAND_ROWS)))
    return [slice(int(top), min(int(top) + BAND_ROWS, rows)) for top in tops]


def lagged(values: Pixels) -> Floats:
    """Give, for each lag, the sum of products of pixels that far apart."""
    width = values.shape[1] + WIDEST_LAG
    # Behind each row so many zeros that a lag along the rows is one along the whole band.
    line = np.pad(values, ((0, 0), (0, WIDEST_LAG))).ravel()
    offsets = [down * width + along for down, along in ((0, 0), *NEAR, *FAR)]
    return np.array([np.dot(line[: line.size - offset], line[offset:]) for offset in offsets])
