"""Which stars the PSF is measured from, and their stamps."""

from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from differencing.psf.stamps import Stamps, cut_stamps, radii
from differencing.psf.stars import Sources
from differencing.subtraction.noise import MAD_TO_SIGMA, BoolArray, FloatArray
from preprocessing.defects import medians

MEDIAN_ERROR = 1.2533  # sqrt(pi / 2): the error of a median over that of a mean
LEVEL_SIGMA = 3.0
AT_A_TIME = 64  # stars whose neighbours are masked: crowded ones have many


@dataclass(frozen=True)
class StarSample:
    """Stamps of PSF stars with what their fit needs."""

    stamps: Stamps
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    flux: NDArray[np.float64]  # ADU

    def chosen(self, index: BoolArray) -> "StarSample":
        """Give the stars at ``index``."""
        return StarSample(self.stamps.chosen(index), self.x[index], self.y[index], self.flux[index])


def sample_stars(
    pixels: FloatArray, bad: BoolArray, sources: Sources, stars: BoolArray, *, half: int, limit: int
) -> StarSample:
    """Cut stamps of the brightest ``limit`` uncrowded stars, their neighbours marked not good.

    Parameters
    ----------
    pixels, bad : (ny, nx) arrays
    sources : Sources
        Every source of the frame, in order of decreasing flux.
    stars : (n,) bool array
        Which of them are stars.
    half : int
        Half width of the stamps, px.
    limit : int
        Largest number of stars.
    """
    neighbours = _Neighbours(sources, np.flatnonzero(stars), half)
    lonely = neighbours.lonely()[:limit]
    chosen = sources.chosen(lonely)
    stamps = cut_stamps(pixels, bad, chosen.x, chosen.y, half=half)
    for first in range(0, len(lonely), AT_A_TIME):
        some = slice(first, first + AT_A_TIME)
        stamps.good[some][neighbours.near(lonely[some])] = False
    level = _sky_level(stamps, half)
    stamps = replace(stamps, pixels=stamps.pixels - level[:, None, None])
    aperture = radii(half) < 3.0 * (np.median(chosen.size) if len(lonely) else 1.0)
    flux = stamps.pixels[:, aperture].sum(axis=1)
    sample = StarSample(stamps, chosen.x, chosen.y, flux)
    return sample.chosen(
        (flux > 0) & stamps.good[:, half - 1 : half + 2, half - 1 : half + 2].all(axis=(1, 2))
    )


def _sky_level(stamps: Stamps, half: int) -> NDArray[np.float64]:
    """Give the level that is left in the outermost ring of each stamp, 0 where it is but noise.

    Taking away noise would cost more than it brings: the ring's error times the stamp's area.
    """
    ring = radii(half) > half - 1.5
    ring &= radii(half) <= half + 0.5
    values = np.where(stamps.good[:, ring], stamps.pixels[:, ring], np.nan)
    count = np.isfinite(values).sum(axis=1)
    enough = count > 10
    level, error = np.zeros(len(values)), np.full(len(values), np.inf)
    level[enough] = medians(values[enough].T)
    spread = medians(np.abs(values[enough] - level[enough, None]).T)
    error[enough] = MEDIAN_ERROR * MAD_TO_SIGMA * spread / np.sqrt(count[enough])
    return np.where(np.abs(level) > LEVEL_SIGMA * error, level, 0.0)


class _Neighbours:
    """Who stands near each of the stars among the sources of a frame."""

    def __init__(self, sources: Sources, stars: NDArray[np.integer], half: int) -> None:
        self.sources, self.stars, self.half = sources, stars, half
        where = np.column_stack([sources.x, sources.y])
        near = cKDTree(where).query_ball_point(where[stars], 1.5 * half, return_sorted=True)
        self.star = np.repeat(stars, [len(others) for others in near])
        self.other = np.fromiter(chain.from_iterable(near), np.int64, len(self.star))
        apart = self.other != self.star
        self.star, self.other = self.star[apart], self.other[apart]

    def lonely(self) -> NDArray[np.integer]:
        """Give the stars with no neighbour of note close by, and none brighter near."""
        sources, star, other = self.sources, self.star, self.other
        share = sources.flux[other] / sources.flux[star]
        distance = np.hypot(sources.x[other] - sources.x[star], sources.y[other] - sources.y[star])
        close = distance < 3.5 * sources.size[star]
        spoiled = star[(close & (share > 0.02)) | (share > 0.7)]
        return self.stars[~np.isin(self.stars, spoiled)]

    def near(self, stars: NDArray[np.integer]) -> tuple[NDArray[np.intp], ...]:
        """Give stamp, row and column of what is near a neighbour, further for bright ones."""
        sources = self.sources
        number = np.full(len(sources.x), -1)
        number[stars] = np.arange(len(stars))
        pairs = number[self.star] >= 0
        star, other = self.star[pairs], self.other[pairs]
        reach = 2.0 * sources.size[other] + 1.5 * np.log10(
            np.maximum(1.0, sources.flux[other] / sources.flux[-1])
        )
        offset = np.arange(-self.half, self.half + 1)
        down, along = (
            (offset - (place[other] - place[star])[:, None]) ** 2
            for place in (sources.y, sources.x)
        )
        pair, row, column = np.nonzero(
            down[:, :, None] + along[:, None, :] < (reach**2)[:, None, None]
        )
        return number[star[pair]], row, column
