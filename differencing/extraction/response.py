"""Sources close to others: parted from a brighter one, and measured together.

In the flux map a point source at x_i of flux f_i is f_i B(x - x_i), where B is the PSF of the
difference correlated with itself. What is left once the brighter sources are taken away shows
the fainter ones (Hogbom 1974, A&AS 15, 417); the flux map at all their places then gives the
fluxes of all of them, by linear least squares (Zackay, Ofek & Gal-Yam 2016, ApJ 830, 27, eq. 12:
S is a matched filter, so its values are the right-hand sides of the normal equations).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import RectBivariateSpline
from scipy.spatial.distance import pdist

from differencing.extraction.shapes import correlated_with_itself, peak_offset
from differencing.subtraction.noise import FloatArray

PASSES = 3  # of taking sources away and looking again
ROUNDS, STILL = 10, 0.02  # of moving sources to their peaks, until none moves by so many px
RESPONSE_ERROR = 0.08  # of the response, spread over some pixels: the PSF changes over the field
ERROR_BOX = 5  # px over which it is spread


class Response:
    """What a point source of unit flux leaves in the flux map."""

    def __init__(self, psf: FloatArray) -> None:
        beam = correlated_with_itself(psf)
        self.reach = len(beam) // 2 - 1
        axis = np.arange(-self.reach - 1, self.reach + 1)
        self._spline = RectBivariateSpline(axis, axis, beam / beam.max())

    def stamp(self, place: FloatArray, half: int) -> NDArray[np.float64]:
        """Give the response to a source at ``place`` (x, y) from the middle of a stamp."""
        axis = np.arange(-half, half + 1)
        rows, columns = (np.clip(axis - at, -self.reach, self.reach) for at in place[::-1])
        stamp: NDArray[np.float64] = self._spline(rows, columns)
        return stamp

    def between(self, places: FloatArray) -> NDArray[np.float64]:
        """Give the (n, n) responses at each of (n, 2) places to a source at each other."""
        apart = np.clip(places[:, None] - places[None], -self.reach, self.reach)
        response: NDArray[np.float64] = self._spline.ev(apart[..., 1], apart[..., 0])
        return response


@dataclass(frozen=True)
class Blend:
    """Sources of one stamp of the flux map, measured together.

    Attributes
    ----------
    places : (n, 2) array
        x and y from the middle of the stamp, px.
    flux : (n,) array
        ADU.
    loss : (n,) array
        What the errors have grown by because the sources overlap, 1 or more.
    """

    places: NDArray[np.float64]
    flux: NDArray[np.float64]
    loss: NDArray[np.float64]

    def nearest(self) -> float:
        """Give the distance (px) from the first source to the one next to it."""
        return float(np.hypot(*(self.places[1:] - self.places[0]).T).min(initial=np.inf))


@dataclass(frozen=True)
class Search:
    """What a new source must be like."""

    error: float  # 1-sigma of the flux of a point source there, ADU
    threshold: float  # sigma that it must exceed, what may be wrong with the response included
    least_apart: float  # px between it and any other


def part(flux: FloatArray, places: FloatArray, response: Response, search: Search) -> Blend:
    """Find the sources that a brighter one hides, and measure all of them together.

    Parameters
    ----------
    flux : (k, k) array
        Stamp of the flux map, ADU; ``k`` odd.
    places : (n, 2) array
        The known sources, the brighter one first, (x, y) from the middle of the stamp.
    response : Response
    search : Search

    Returns
    -------
    Blend
        The known sources first, in their order; new ones have the sign of the first.
    """
    blend = fit_blend(flux, places, response)
    for _ in range(PASSES):
        place = _hidden_peak(flux, blend, response, search)
        if place is None:
            break
        grown = fit_blend(flux, np.vstack([blend.places, place]), response)
        if not _is_sound(grown, search):
            break
        blend = grown
    return blend


def fit_blend(flux: FloatArray, places: FloatArray, response: Response) -> Blend:
    """Measure the fluxes of sources together, moving each to its peak in what others leave."""
    half = flux.shape[0] // 2
    surface = RectBivariateSpline(*(np.arange(-half, half + 1),) * 2, flux)
    for _ in range(ROUNDS if len(places) > 1 else 0):
        before, places = places, _move(flux, _solve(surface, places, response), response)
        if np.abs(places - before).max() < STILL:
            break
    return _solve(surface, places, response)


def _solve(surface: RectBivariateSpline, places: FloatArray, response: Response) -> Blend:
    """Give the fluxes that together make the flux map what it is at each of ``places``."""
    # two that have met must not make the solution fail
    inverse = np.linalg.inv(response.between(places) + 1e-9 * np.eye(len(places)))
    flux = inverse @ surface.ev(places[:, 1], places[:, 0])
    return Blend(np.asarray(places, float), flux, np.sqrt(inverse.diagonal()))


def _move(flux: FloatArray, blend: Blend, response: Response) -> NDArray[np.float64]:
    """Give the places of the peaks of every source once the others are taken away."""
    half = flux.shape[0] // 2
    stamps = np.stack([response.stamp(place, half) for place in blend.places])
    light = blend.flux[:, None, None] * stamps
    left = flux - light.sum(axis=0)
    return np.stack(
        [
            _peak(np.sign(value) * (left + own), place)
            for value, own, place in zip(blend.flux, light, blend.places, strict=True)
        ]
    )


def _peak(alone: FloatArray, place: FloatArray) -> NDArray[np.float64]:
    """Give the peak of a source that stands alone, next to where it was; unmoved at the rim."""
    half = alone.shape[0] // 2
    column, row = np.rint(place).astype(int)
    if max(abs(column), abs(row)) >= half:
        return np.asarray(place)
    near = alone[row + half - 1 : row + half + 2, column + half - 1 : column + half + 2]
    moved: NDArray[np.float64] = (column, row) + peak_offset(near[None])[0]
    return moved


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
    stamps = np.stack([response.stamp(place, half) for place in blend.places])
    light = blend.flux[:, None, None] * stamps
    left = np.sign(blend.flux[0]) * (flux - light.sum(axis=0))
    doubt = ndimage.uniform_filter(light**2, (1, ERROR_BOX, ERROR_BOX)).sum(axis=0)
    score = left / np.sqrt(search.error**2 + RESPONSE_ERROR**2 * np.maximum(doubt, 0))
    score[~_free(blend.places, half, search.least_apart)] = 0
    row, column = np.unravel_index(score.argmax(), score.shape)
    if score[row, column] < search.threshold:
        return None
    return np.array([column - half, row - half], float)


def _free(places: FloatArray, half: int, least_apart: float) -> NDArray[np.bool_]:
    """Mark the pixels of a stamp within its circle and away from all sources."""
    axis = np.arange(-half, half + 1)
    free = np.hypot(axis[:, None], axis) < half
    for x, y in places:
        free &= np.hypot(axis[:, None] - y, axis - x) >= least_apart
    return np.asarray(free)
