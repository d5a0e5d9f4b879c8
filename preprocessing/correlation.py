"""How much a frame's noise was correlated by an interpolation before it came to us."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.masks import Bools

Pixels = NDArray[np.float32]
Lag = tuple[int, int]

# Half of the lags that an interpolation kernel can reach; the other half mirrors them.
NEAR: tuple[Lag, ...] = (
    *((0, 1), (0, 2), (1, -2), (1, -1), (1, 0), (1, 1), (1, 2)),
    *((2, -2), (2, -1), (2, 0), (2, 1), (2, 2)),
)
# Faint sources and sky structure correlate these as well: what they show is no interpolation.
FAR: tuple[Lag, ...] = ((0, 4), (4, 0), (3, 3), (3, -3))
# Enough pixels for 0.5 %; more rows would only cost time.
BAND_ROWS, BANDS = 64, 8
SIGNIFICANT_SIGMA = 3.0
# Each axis of a bilinear interpolation at the half pixel doubles the power; no kernel in use does
# worse, and what looks like more is the sky's.
LARGEST_POWER = 4.0


def low_frequency_power(excess: Pixels, rms: Pixels, unusable: Bools) -> float:
    """Give the noise power at low frequency over the variance of single pixels.

    1 for independent pixels, more for a frame that was interpolated: ``1 + 2 sum rho`` over the
    lags of a kernel. A matched filter sees this power, not the variance.

    Parameters
    ----------
    excess, rms : (ny, nx) float32 arrays
        Pixels above the sky, and their scatter.
    unusable : (ny, nx) bool array
        Masked pixels and sources.

    Returns
    -------
    float
        1 to 4. Exactly 1 when the excess over 1 is not significant (3 sigma).
    """
    sums, pairs = np.zeros((2, len(NEAR) + len(FAR) + 1))
    for band in bands(excess.shape[0]):
        good = ~unusable[band]
        scaled = np.where(good, excess[band] / rms[band], 0).astype(np.float32)
        for i, lag in enumerate(((0, 0), *NEAR, *FAR)):
            sums[i] += lagged(scaled, lag)
            pairs[i] += lagged(good.astype(np.float32), lag)
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
    return [slice(int(top), int(top) + BAND_ROWS) for top in tops]


def lagged(values: Pixels, lag: Lag) -> float:
    """Give the sum of products of pixels ``lag`` = (rows, columns) apart."""
    down, along = lag
    height, width = values.shape
    here = values[: height - down, max(0, -along) : width - max(0, along)]
    there = values[down:, max(0, along) : width - max(0, -along)]
    return float(np.einsum("ij,ij->", here, there, dtype=np.float64))
