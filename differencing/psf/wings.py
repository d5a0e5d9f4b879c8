"""The wings of a PSF: few harmonics in the place of many pixels, and held to a smooth fall."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from differencing.psf.stamps import radii
from differencing.subtraction.noise import BoolArray, FloatArray

RIDGE = 1e-6  # a ring without good pixels must not make the solution fail
TAPER = 2.0  # px over which the stamp falls to zero at its rim
BLEND = 2.0  # px over which pixels give way to harmonics
FALL_ERROR = 0.25  # relative: what wings may differ by from the Moffat profile of the core
CORE_ERROR = 0.05  # relative: what the rings of a core, which is elongated, differ by from it
SLOPE, SLOPE_ERROR = np.log(3.5), 1.0  # log of Moffat's beta: 2.5 to 5 in seeing
STEEPEST = np.log(50.0)  # next to a Gaussian


def smooth_wings(
    images: FloatArray, start: float, weight: FloatArray | None = None
) -> NDArray[np.float64]:
    """Replace what lies beyond ``start`` px by its angular harmonics m = 0, 2, ring by ring.

    Parameters
    ----------
    images : (n, side, side) array
    start : float
    weight : (side, side) array, optional
        Inverse variance of each pixel: those that a bright star lacks are noise.
    """
    half = images.shape[-1] // 2
    smooth = np.array(images, np.float64)
    known = np.ones(images.shape[1:]) if weight is None else weight
    for ring, waves in _rings(half)[max(int(start) - 1, 2) :]:
        share = known[ring] / max(known[ring].max(), np.finfo(float).tiny)
        normal = (waves * share) @ waves.T + RIDGE * np.eye(len(waves))
        smooth[:, ring] = images[:, ring] * share @ waves.T @ np.linalg.inv(normal) @ waves
    outside = _outside(half, start)
    blended: NDArray[np.float64] = images * (1 - outside) + smooth * outside
    return blended * _rim(half)


def hold_wings(
    profile: FloatArray, weight: FloatArray, level: FloatArray, *, start: float, fwhm: float
) -> NDArray[np.float64]:
    """Hold the rings of a PSF beyond ``start`` px to the fall of its core, where they are noise.

    The many pixels of wings hold little light and much noise. As a PSF has the sum 1, their sum's
    error would be that of every flux. A Moffat profile fitted to all rings tells what to expect
    of each to a quarter, and what stars show counts by its error.

    Parameters
    ----------
    profile : (side, side) array
        Zero at its rim.
    weight : (side, side) array
        Inverse variance of its pixels, each by itself.
    level : (side, side) array
        1-sigma error that all pixels have in common, as of the sky under stars.
    start, fwhm : float
        px.

    References
    ----------
    Moffat 1969, A&A 3, 455 (the profile).
    """
    half = profile.shape[-1] // 2
    seen, sums = _ring_means(profile), _ring_means(weight) * _numbered(half)[1]
    error = np.sqrt(1 / np.maximum(sums, np.finfo(float).tiny) + _ring_means(level) ** 2)
    expected = _expected_rings(seen, error, half, fwhm)
    share = error**2 / (error**2 + (FALL_ERROR * expected) ** 2)
    change = np.interp(radii(half), np.arange(half + 1), share * (expected - seen), right=0.0)
    return np.asarray(profile + change * _outside(half, start))


def _expected_rings(
    seen: FloatArray, error: FloatArray, half: int, fwhm: float
) -> NDArray[np.float64]:
    """Give the rings of the Moffat profile that fits best outside of the innermost pixels."""
    used = np.arange(half + 1) > fwhm / 2
    scale = 1 / np.hypot(error, CORE_ERROR * seen)[used]
    square, rim = radii(half) ** 2, _rim(half)

    def rings(terms: FloatArray) -> NDArray[np.float64]:
        peak, width, slope = np.exp(np.minimum(terms, STEEPEST))
        return _ring_means(peak * (1 + square / width**2) ** -slope * rim)

    def misfit(terms: FloatArray) -> NDArray[np.float64]:
        pull = (rings(terms) - seen)[used] * scale
        return np.append(pull, (terms[2] - SLOPE) / SLOPE_ERROR)

    first = np.log(seen[0]), np.log(fwhm), SLOPE
    return rings(optimize.least_squares(misfit, first, method="lm", xtol=1e-4, ftol=1e-4).x)


def _ring_means(image: FloatArray) -> NDArray[np.float64]:
    """Give the mean of each ring, 1 px wide, that lies within a stamp."""
    ring, count = _numbered(image.shape[-1] // 2)
    return np.asarray(np.bincount(ring, image.ravel())[: len(count)] / count)


@lru_cache(maxsize=8)
def _numbered(half: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give the ring of every pixel of a stamp, and the pixels of each ring that lies within."""
    ring = np.rint(radii(half)).astype(np.intp).ravel()
    return ring, np.bincount(ring)[: half + 1]


def _outside(half: int, start: float) -> NDArray[np.float64]:
    """Give 0 within ``start`` px, 1 well beyond."""
    return np.asarray(np.clip((radii(half) - start) / BLEND, 0.0, 1.0))


def _rim(half: int) -> NDArray[np.float64]:
    """Give the fall to zero at the rim of a stamp."""
    return np.asarray(np.clip((half + 0.5 - radii(half)) / TAPER, 0.0, 1.0))


@lru_cache(maxsize=8)
def _rings(half: int) -> list[tuple[BoolArray, NDArray[np.float64]]]:
    """Give the rings of a stamp, by radius, with the harmonics of their pixels."""
    distance = radii(half)
    offset = np.arange(-half, half + 1)
    angle = np.arctan2(offset[:, None], offset[None, :])
    rings = []
    for radius in range(int(distance.max()) + 1):
        ring = np.rint(distance) == radius
        waves = np.stack([np.ones(ring.sum()), np.cos(2 * angle[ring]), np.sin(2 * angle[ring])])
        rings.append((ring, waves))
    return rings
