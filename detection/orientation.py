"""Where north and east lie in a cutout."""

import numpy as np
from astropy.wcs import WCS
from numpy.typing import ArrayLike, NDArray

Vectors = NDArray[np.float64]
STEP_DEG = 1 / 3600  # small enough that the sky is flat, large against the rounding of the WCS


def sky_directions(wcs: WCS, ra: ArrayLike, dec: ArrayLike) -> tuple[Vectors, Vectors]:
    """Give the directions of north and east in the pixel grid.

    Parameters
    ----------
    wcs : WCS
        Celestial.
    ra, dec : (n,) arrays
        Degrees ICRS.

    Returns
    -------
    (n, 2), (n, 2) float arrays
        Unit vectors (x, y) to the north and to the east; rows of an array grow with y. Right at a
        pole, where there is no north, they are NaN.
    """
    ra, dec = np.asarray(ra, float), np.asarray(dec, float)
    # Towards the nearer pole a step would cross it: step to the equator there and turn round.
    sign = np.where(dec > 0, -1.0, 1.0)
    narrowing = np.cos(np.radians(dec))
    with np.errstate(divide="ignore", invalid="ignore"):
        along = np.where(narrowing > STEP_DEG, STEP_DEG / narrowing, np.nan)
    here = _pixels(wcs, ra, dec)
    north = sign[:, None] * (_pixels(wcs, ra, dec + sign * STEP_DEG) - here)
    east = _pixels(wcs, ra + along, dec) - here
    return _unit(north), _unit(east)


def _pixels(wcs: WCS, ra: Vectors, dec: Vectors) -> Vectors:
    return np.column_stack(wcs.all_world2pix(ra, dec, 0))


def _unit(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
