"""Sources that brighter ones hide.

What is left once the brighter sources are taken away shows the fainter ones (Hogbom 1974, A&AS
15, 417).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from differencing.extraction.joint import Blend, Response, fit_blends
from differencing.subtraction.noise import BoolArray, FloatArray

PASSES = 3  # of taking sources away and looking again
RESPONSE_ERROR = 0.08  # of the response, spread over some pixels: the PSF changes over the field
ERROR_BOX = 5  # px over which it is spread
SCREEN = 0.7  # of the threshold: a source that is fitted alone takes up half of one beside it
LEAST_FREE = 0.3  # of a source's information that is left by one beside it; nearer, the two are one


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
        if not _is_sound(grown, response, search):
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
    score = left / (_error(light**2, search) * np.sqrt(_free(light, lone.flux, response)))
    score[~_away(lone.places, half, search.least_apart)] = 0
    return np.asarray((score >= SCREEN * search.threshold).any(axis=(1, 2)))


def _is_sound(blend: Blend, response: Response, search: Search) -> bool:
    """Tell whether the last source of ``blend`` stands up to being measured with the others."""
    flux = blend.flux[-1] * np.sign(blend.flux[0])
    apart = pdist(blend.places).min()
    least = search.threshold * float(_error(_spread(blend, response), search)) * blend.loss[-1]
    return bool(flux >= least and apart >= search.least_apart)


def _spread(blend: Blend, response: Response) -> NDArray[np.float64]:
    """Give the mean square of the others' light in the pixels around the last source."""
    axis = np.arange(-(ERROR_BOX // 2), ERROR_BOX // 2 + 1)
    around = blend.places[-1] + np.stack(np.meshgrid(axis, axis), axis=-1)
    light = blend.flux[:-1, None, None] * response.at(around - blend.places[:-1, None, None])
    return np.asarray(np.mean(light**2, axis=(1, 2)).sum())


def _hidden_peak(
    flux: FloatArray, blend: Blend, response: Response, search: Search
) -> NDArray[np.float64] | None:
    """Give the highest peak that the sources of ``blend`` leave, if it is high enough."""
    half = flux.shape[0] // 2
    light = response.light(blend.places, blend.flux, half)
    left = np.sign(blend.flux[0]) * (flux - light.sum(axis=0))
    free = _free(light, blend.flux, response).min(axis=0)
    score = left / (_error((light**2).sum(axis=0), search) * np.sqrt(free))
    score[~_away(blend.places, half, search.least_apart).all(axis=0)] = 0
    row, column = np.unravel_index(score.argmax(), score.shape)
    if score[row, column] < SCREEN * search.threshold:
        return None
    return np.array([column - half, row - half], float)


def _free(light: FloatArray, flux: FloatArray, response: Response) -> NDArray[np.float64]:
    """Give what each of n sources of the (n, k, k) ``light``, fitted, leaves of others in a stamp.

    Of the information on the flux of another source at a distance with the response B, the fitted
    one takes B^2 by its own flux and (grad B)^2 / -B''(0) by its place.
    """
    unit = light / np.asarray(flux)[:, None, None]
    down, along = np.gradient(unit, axis=(1, 2))
    bend = 2 * (1 - response.at(np.eye(2)).mean())
    return np.asarray(np.maximum(1 - unit**2 - (down**2 + along**2) / bend, LEAST_FREE))


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
