"""Values of an image between its pixels."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from differencing.subtraction.noise import FloatArray

Index = NDArray[np.intp]

# A score is a PSF convolved with a PSF and has no power above 0.3 cycles/px. Twelve taps of a sinc
# under a Kaiser window of this beta pass that band to 3e-4 (Kaiser 1974), six taps of Lagrange's
# polynomial to some 1e-3: they serve beside pixels without data.
TAPS, BETA, FEW_TAPS = 12, 6.9, 6


def interpolate(image: FloatArray, x: FloatArray, y: FloatArray) -> NDArray[np.float64]:
    """Interpolate ``image`` at places given in px.

    Exact to some 1e-4 for images without power above 0.3 cycles/px, such as score and flux maps;
    to some 1e-3 within six pixels of missing ones or of the edge.

    Parameters
    ----------
    image : (ny, nx) array
        NaN where there are no data.
    x, y : (n,) arrays

    Returns
    -------
    (n,) array
        NaN where one of the nearest 6 x 6 pixels is missing.
    """
    value = _tapped(image, x, y, _sinc_weights, TAPS)
    missing = np.flatnonzero(np.isnan(value))
    if missing.size:
        value[missing] = _tapped(image, x[missing], y[missing], _lagrange_weights, FEW_TAPS)
    return value


def gathered(image: NDArray, column: Index, row: Index, size: int, *, beyond: float) -> NDArray:
    """Cut (n, size, size) squares from their first pixels; ``beyond`` outside the image."""
    offset = np.arange(size)
    rows, columns = row[:, None] + offset, column[:, None] + offset
    outside = ((rows < 0) | (rows >= image.shape[0]))[:, :, None]
    outside = outside | ((columns < 0) | (columns >= image.shape[1]))[:, None, :]
    rows = np.clip(rows, 0, image.shape[0] - 1)[:, :, None]
    columns = np.clip(columns, 0, image.shape[1] - 1)[:, None, :]
    cut: NDArray = np.where(outside, image.dtype.type(beyond), image[rows, columns])
    return cut


def around(image: NDArray, x: FloatArray, y: FloatArray, half: int, *, beyond: float) -> NDArray:
    """Cut (n, 2 half + 1, 2 half + 1) squares around the nearest pixels."""
    column, row = np.rint(x).astype(int) - half, np.rint(y).astype(int) - half
    return gathered(image, column, row, 2 * half + 1, beyond=beyond)


def distances(x: FloatArray, y: FloatArray, half: int) -> NDArray[np.float64]:
    """Give the distance (px) of every pixel of such squares from its place."""
    offset = np.arange(-half, half + 1)
    away_x = offset - (x - np.rint(x))[:, None]
    away_y = offset - (y - np.rint(y))[:, None]
    return np.hypot(away_y[:, :, None], away_x[:, None, :])


def _tapped(
    image: FloatArray,
    x: FloatArray,
    y: FloatArray,
    weights: Callable[[FloatArray], NDArray[np.float64]],
    taps: int,
) -> NDArray[np.float64]:
    """Sum the ``taps`` x ``taps`` pixels around each place with separable weights."""
    first = taps // 2 - 1
    column, row = np.floor(x).astype(int) - first, np.floor(y).astype(int) - first
    cut = gathered(image, column, row, taps, beyond=np.nan).astype(float)
    along_x, along_y = weights(x - np.floor(x)), weights(y - np.floor(y))
    value: NDArray[np.float64] = np.einsum("nij,ni,nj->n", cut, along_y, along_x, optimize=True)
    return value


def _sinc_weights(fraction: FloatArray) -> NDArray[np.float64]:
    """Give (n, TAPS) weights of a Kaiser-windowed sinc, normalised to keep a constant."""
    away = np.arange(TAPS) - (TAPS // 2 - 1) - fraction[:, None]
    window = np.i0(BETA * np.sqrt(np.clip(1 - (away / (TAPS / 2)) ** 2, 0, None)))
    weights = np.sinc(away) * window
    scaled: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return scaled


def _lagrange_weights(fraction: FloatArray) -> NDArray[np.float64]:
    """Give (n, FEW_TAPS) weights of the polynomial through the nearest pixels."""
    nodes = np.arange(FEW_TAPS) - (FEW_TAPS // 2 - 1)
    weights = np.ones((len(fraction), FEW_TAPS))
    for place, node in enumerate(nodes):
        for other in nodes[nodes != node]:
            weights[:, place] *= (fraction - other) / (node - other)
    return weights
