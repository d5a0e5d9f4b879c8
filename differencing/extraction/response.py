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
from differencing.subtraction.noise import BoolArray, FloatArray

PASSES = 3  # of taking sources away and looking again
ROUNDS, STILL = 10, 0.02  # of moving sources to their peaks, until none moves by so many px
RESPONSE_ERROR = 0.08  # of the response, spread over some pixels: the PSF changes over the field
ERROR_BOX = 5  # px over which it is spread
SQUARE = np.array([(x, y) for y in (-1, 0, 1) for x in (-1, 0, 1)])  # 3 x 3 px, reading order
SCREEN = 0.8  # of the threshold: a flux not yet fitted moves a score by tenths of a sigma


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

    def light(self, places: FloatArray, flux: FloatArray, half: int) -> NDArray[np.float64]:
        """Give the (n, k, k) stamps of what n sources leave, each from the middle of its stamp."""
        stamps = np.empty((len(places), 2 * half + 1, 2 * half + 1))
        for stamp, place, value in zip(stamps, places, flux, strict=True):
            np.multiply(self.stamp(place, half), value, out=stamp)
        return stamps

    def at(self, offset: FloatArray) -> NDArray[np.float64]:
        """Give the responses at (..., 2) offsets (x, y) from a source."""
        x, y = np.moveaxis(np.clip(offset, -self.reach, self.reach), -1, 0)
        response: NDArray[np.float64] = self._spline.ev(y, x)
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


def part(flux: FloatArray, blend: Blend, response: Response, search: Search) -> Blend:
    """Find the sources that a brighter one hides, and measure all of them together.

    Parameters
    ----------
    flux : (k, k) array
        Stamp of the flux map, ADU; ``k`` odd.
    blend : Blend
        The known sources as :func:`fit_blend` measures them there, the brighter one first.
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
        grown = fit_blend(flux, np.vstack([blend.places, place]), response)
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
    between = response.at(places[:, None] - places) + 1e-9 * np.eye(len(places))
    inverse = np.linalg.inv(between)
    flux = inverse @ surface.ev(places[:, 1], places[:, 0])
    return Blend(np.asarray(places, float), flux, np.sqrt(inverse.diagonal()))


def _move(flux: FloatArray, blend: Blend, response: Response) -> NDArray[np.float64]:
    """Give the peaks of all sources once the others are taken away; at the rim none moves."""
    half = flux.shape[0] // 2
    middle = np.rint(blend.places).astype(int)
    inner = (np.abs(middle) < half).all(axis=1)
    pixels = np.clip(middle, 1 - half, half - 1)[:, None] + SQUARE
    light = response.at(pixels[:, None] - blend.places[:, None]) * blend.flux[:, None]
    others = light * ~np.eye(len(middle), dtype=bool)[..., None]
    alone = flux[pixels[..., 1] + half, pixels[..., 0] + half] - others.sum(axis=1)
    moved = middle + peak_offset(np.sign(blend.flux)[:, None] * alone)
    return np.where(inner[:, None], moved, blend.places)


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
