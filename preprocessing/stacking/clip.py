"""Which pixels of aligned frames show what the other frames do not: cosmic rays, trails, movers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from preprocessing.calibrated import Pixels

Cube = NDArray[np.float32]
Cubes = NDArray[np.bool_]

# Of n Gaussian values the median has pi / (2 n) of the variance of one.
MEDIAN_VARIANCE = np.float32(np.pi / 2)
# Below this the median shows noise, no star that would have to be spared.
LIT_SIGMA = 3.0
NEIGHBOURS = np.ones((1, 3, 3), bool)


def lower_median(values: Cube, usable: Cubes) -> Pixels:
    """Give the middle usable value of each pixel, of two middle ones the lower; 0 where none is.

    What frames do not share is nearly always added light, so the lower of two is the sky.
    """
    ordered = np.sort(np.where(usable, values, np.inf).astype(np.float32), axis=0)
    count = usable.sum(axis=0)
    middle = np.maximum(count - 1, 0) // 2
    found = np.take_along_axis(ordered, middle[None], axis=0)[0]
    return np.where(count > 0, found, 0).astype(np.float32)


def shape_tolerance(fwhm: NDArray[np.float64], floor: float) -> Pixels:
    """Give the share of a star's light by which each frame may differ from the median frame.

    Peaks of equal flux go as 1 / FWHM^2, and the peak is where PSFs differ most. Of an even
    number, the lower median is that of the wider middle frame in cores, of the sharper in wings.
    """
    ordered = np.sort(fwhm)
    middle = ordered[[(fwhm.size - 1) // 2, fwhm.size // 2]]
    differing = np.abs((middle[:, None] / fwhm) ** 2 - 1).max(axis=0)
    return np.asarray(differing + floor, np.float32)


@dataclass(frozen=True, eq=False)
class Tolerance:
    """How far values may lie from the median of their pixel; arrays have one entry per frame.

    Attributes
    ----------
    share : (n,) float32 array
        From :func:`shape_tolerance`: of the brightest median within ``reach``.
    photons : (n,) float32 array
        Photon variance per ADU of light, in the common flux scale.
    limit, limit_beside : float
        Sigma beyond which a value is out, and beyond which one beside such a value is.
    reach : int
        px over which seeing moves light: about 0.7 FWHM.
    """

    share: Pixels
    photons: Pixels
    limit: float
    limit_beside: float
    reach: int


def find_outliers(values: Cube, variance: Cube, usable: Cubes, allowed: Tolerance) -> Cubes:
    """Mark the values that differ from the median of their pixel by more than stars explain.

    Parameters
    ----------
    values, variance : (n, ny, nx) float32 arrays
        In one flux scale; the variance is that of the sky.
    usable : (n, ny, nx) bool array
    allowed : Tolerance

    References
    ----------
    Fruchter & Hook 2002, PASP 114, 144, section 4 (a median, its noise, and a tolerance that
    follows its structure).
    """
    centre = lower_median(values, usable)
    variance = variance + allowed.photons[:, None, None] * centre.clip(min=0)
    count = np.maximum(usable.sum(axis=0), 1).astype(np.float32)
    of_centre = MEDIAN_VARIANCE * (variance * usable).sum(axis=0) / count**2
    sigma = np.sqrt(variance + of_centre)
    lit = np.where(centre > LIT_SIGMA * np.sqrt(of_centre), centre, 0)
    light = ndimage.maximum_filter(lit, 2 * allowed.reach + 1, mode="nearest")
    off = np.abs(values - centre) - allowed.share[:, None, None] * light
    out = usable & (off > allowed.limit * sigma)
    beside = ndimage.binary_dilation(out, NEIGHBOURS)
    return np.asarray(out | (usable & beside & (off > allowed.limit_beside * sigma)))
