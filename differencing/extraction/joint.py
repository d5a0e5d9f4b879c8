"""Sources close to others, measured together.

In the flux map a point source at x_i of flux f_i is f_i B(x - x_i), where B is the PSF of the
difference correlated with itself. The flux map at the places of several sources gives the fluxes
of all of them, by linear least squares (Zackay, Ofek & Gal-Yam 2016, ApJ 830, 27, eq. 12: S is a
matched filter, so its values are the right-hand sides of the normal equations).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline, RectBivariateSpline

from differencing.extraction.shapes import correlated_with_itself, peak_offset
from differencing.subtraction.noise import FloatArray

ROUNDS, STILL = 10, 0.02  # of moving sources to their peaks, until none moves by so many px
SQUARE = np.array([(x, y) for y in (-1, 0, 1) for x in (-1, 0, 1)])  # 3 x 3 px, reading order
CUBIC = 3


class Response:
    """What a point source of unit flux leaves in the flux map."""

    def __init__(self, psf: FloatArray) -> None:
        beam = correlated_with_itself(psf)
        self.reach = len(beam) // 2 - 1
        axis = np.arange(-self.reach - 1, self.reach + 1)
        self._spline = RectBivariateSpline(axis, axis, beam / beam.max())
        self._basis, inverse = cubic_splines(-self.reach - 1, self.reach)
        self._weights = inverse @ (beam / beam.max()) @ inverse.T

    def light(self, places: FloatArray, flux: FloatArray, half: int) -> NDArray[np.float64]:
        """Give the (n, k, k) stamps of what n sources leave, each from the middle of its stamp."""
        axis = np.arange(-half, half + 1)
        offset = np.clip(axis - np.asarray(places)[..., None], -self.reach, self.reach)
        basis = self._basis(offset)
        stamps = (basis[:, 1] @ self._weights) @ basis[:, 0].swapaxes(1, 2)
        return np.asarray(stamps * np.asarray(flux)[:, None, None])

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


class Surfaces:
    """Bicubic splines through stamps of one size."""

    def __init__(self, stamps: FloatArray) -> None:
        self._half = stamps.shape[-1] // 2
        self._basis, inverse = cubic_splines(-self._half, self._half)
        self._coefficients = inverse @ stamps @ inverse.T

    def at(self, index: NDArray[np.intp], places: FloatArray) -> NDArray[np.float64]:
        """Give the values of the stamps at ``index`` at (b, n, 2) places from their middles."""
        basis = self._basis(np.clip(places, -self._half, self._half))
        along, down = basis[:, :, 0], basis[:, :, 1]
        values: NDArray[np.float64] = ((down @ self._coefficients[index]) * along).sum(axis=-1)
        return values


@lru_cache(maxsize=8)
def cubic_splines(first: int, last: int) -> tuple[BSpline, NDArray[np.float64]]:
    """Give the cubic splines of a side from pixel to pixel, and what makes weights of values."""
    axis = np.arange(first, last + 1.0)
    # the second and the last but one point are no knots
    knots = np.concatenate([np.full(CUBIC + 1, axis[0]), axis[2:-2], np.full(CUBIC + 1, axis[-1])])
    basis = BSpline(knots, np.eye(len(axis)), CUBIC)
    return basis, np.asarray(np.linalg.inv(basis(axis)), float)


def fit_blends(stamps: FloatArray, places: FloatArray, response: Response) -> list[Blend]:
    """Measure the sources of each of several stamps, moving each to its peak in what others leave.

    Parameters
    ----------
    stamps : (b, k, k) array
        Of the flux map, ADU; ``k`` odd.
    places : (b, n, 2) array
        First guesses of x and y of the ``n`` sources of each, from its middle, px.
    response : Response

    Returns
    -------
    list of ``b`` Blend
    """
    surfaces, places = Surfaces(stamps), np.array(places, float)
    moving = np.arange(len(places)) if places.shape[1] > 1 else np.zeros(0, int)
    for _ in range(ROUNDS):
        if not moving.size:
            break
        before = places[moving]
        flux, _ = _solve(surfaces.at(moving, before), before, response)
        places[moving] = _moved(stamps[moving], before, flux, response)
        moving = moving[np.abs(places[moving] - before).max(axis=(1, 2)) >= STILL]
    values = surfaces.at(np.arange(len(places)), places)
    return [Blend(*one) for one in zip(places, *_solve(values, places, response), strict=True)]


def _solve(
    values: FloatArray, places: FloatArray, response: Response
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the fluxes that together make the flux map ``values`` at ``places``, and their losses.

    All are (b, n), the places (b, n, 2).
    """
    # two that have met must not make the solution fail
    between = response.at(places[:, :, None] - places[:, None])
    inverse = np.linalg.inv(between + 1e-9 * np.eye(places.shape[1]))
    flux = (inverse @ values[..., None])[..., 0]
    return flux, np.sqrt(inverse.diagonal(axis1=1, axis2=2))


def _moved(
    stamps: FloatArray, places: FloatArray, flux: FloatArray, response: Response
) -> NDArray[np.float64]:
    """Give the peaks of all sources once the others are taken away; at the rim none moves."""
    half, count = stamps.shape[-1] // 2, places.shape[1]
    middle = np.rint(places).astype(int)
    inner = (np.abs(middle) < half).all(axis=-1)
    pixels = np.clip(middle, 1 - half, half - 1)[:, :, None] + SQUARE
    light = response.at(pixels[:, :, None] - places[:, None, :, None]) * flux[:, None, :, None]
    others = light * ~np.eye(count, dtype=bool)[..., None]
    each = np.arange(len(stamps))[:, None, None]
    alone = stamps[each, pixels[..., 1] + half, pixels[..., 0] + half] - others.sum(axis=2)
    peaks = peak_offset((np.sign(flux)[..., None] * alone).reshape(-1, 3, 3))
    return np.where(inner[..., None], middle + peaks.reshape(places.shape), places)
