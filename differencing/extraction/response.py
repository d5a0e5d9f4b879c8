"""Sources that brighter ones hide.

What is left once the brighter sources are taken away shows the fainter ones (Hogbom 1974, A&AS
15, 417).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.distance import pdist

from differencing.extraction.joint import Blend, Response, fit_blends
from differencing.subtraction.noise import BoolArray, FloatArray

PASSES = 3  # of taking sources away and looking again
RESPONSE_ERROR = 0.08  # of the response, spread over some pixels: the PSF changes over the field
ERROR_BOX = 5  # px over which it is spread
SCREEN = 0.8  # of the threshold: a flux not yet fitted moves a score by tenths of a sigma


@dataclass(frozen=True)
class Search:
    """What a new source must be like."""

    error: float  # 1-sigma of the flux of a point source there, ADU
    threshold: float  # sigma that it must exceed, what may be wrong with the response included
    least_apart: float  # px between it and any other


def part(flux: FloatArray, blend: Blend, response: Response, search: Search) -> Blend:
    """Find the sources that a brighter one hides, and measure all of them together.

    Parameters
    ----------
    flux : (k, k) array
        Stamp of the flux map, ADU; ``k`` odd.
    blend : Blend
        The known sources as ``fit_blends`` measures them there, the brighter one first.
    response : Response
    search : Search

    Returns
    -------
    Blend
        The known sources first, in their order; new ones have the sign of the first.
    """
    for _ in range(PASSES):
        place = _hidden_peak(flux, blend, response, search)
        if place is None:
            break
        grown = fit_blends(flux[None], np.vstack([blend.places, place])[None], response)[0]
        if not _is_sound(grown, search):
            break
        blend = grown
    return blend


def may_hide(flux: FloatArray, lone: Blend, response: Response, search: Search) -> BoolArray:
    """Tell which lone sources may hide others; :func:`part` finds none beside the rest.

    Parameters
    ----------
    flux : (n, k, k) array
        Stamps of the flux map round each of them, in the unit of ``search.error``; ``k`` odd.
    lone : Blend
        The sources, each from the middle of its own stamp, their fluxes in the same unit.
    response : Response
    search : Search

    Returns
    -------
    (n,) bool array
    """
    half = flux.shape[-1] // 2
    light = response.light(lone.places, lone.flux, half)
    left = np.sign(lone.flux)[:, None, None] * (flux - light)
    score = left / _error(_spread(light), search)
    score[~_away(lone.places, half, search.least_apart)] = 0
    return np.asarray((score >= SCREEN * search.threshold).any(axis=(1, 2)))


def _is_sound(blend: Blend, search: Search) -> bool:
    """Tell whether the last source of ``blend`` stands up to being measured with the others."""
    flux = blend.flux[-1] * np.sign(blend.flux[0])
    apart = pdist(blend.places).min()
    least = search.threshold * search.error * blend.loss[-1]
    return bool(flux >= least and apart >= search.least_apart)


def _hidden_peak(
    flux: FloatArray, blend: Blend, response: Response, search: Search
) -> NDArray[np.float64] | None:
    """Give the highest peak that the sources of ``blend`` leave, if it is high enough."""
    half = flux.shape[0] // 2
    light = response.light(blend.places, blend.flux, half)
    left = np.sign(blend.flux[0]) * (flux - light.sum(axis=0))
    score = left / _error(_spread(light).sum(axis=0), search)
    score[~_away(blend.places, half, search.least_apart).all(axis=0)] = 0
    row, column = np.unravel_index(score.argmax(), score.shape)
    if score[row, column] < search.threshold:
        return None
    return np.array([column - half, row - half], float)


def _spread(light: FloatArray) -> NDArray[np.float64]:
    """Give the mean squares of the (n, k, k) light of sources in the pixels around."""
    spread: NDArray[np.float64] = ndimage.uniform_filter(light**2, (0, ERROR_BOX, ERROR_BOX))
    return spread


def _error(spread: FloatArray, search: Search) -> NDArray[np.float64]:
    """Give the error of what sources leave: of a faint one's flux, and of their response."""
    error: NDArray[np.float64] = np.sqrt(
        search.error**2 + RESPONSE_ERROR**2 * np.maximum(spread, 0)
    )
    return error


def _away(places: FloatArray, half: int, least_apart: float) -> BoolArray:
    """Mark the pixels within the circle of a stamp and away from each of (n, 2) places."""
    axis = np.arange(-half, half + 1)
    x, y = (places.T[..., None] - axis) ** 2
    away: BoolArray = y[:, :, None] + x[:, None, :] >= least_apart**2
    return away & (axis[:, None] ** 2 + axis**2 < half**2)
