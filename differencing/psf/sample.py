"""Which stars the PSF is measured from, and their stamps."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from differencing.psf.stamps import Stamps, cut_stamps, radii
from differencing.psf.stars import Sources
from differencing.subtraction.noise import MAD_TO_SIGMA, BoolArray, FloatArray

MEDIAN_ERROR = 1.2533  # sqrt(pi / 2): the error of a median over that of a mean
LEVEL_SIGMA = 3.0


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
    neighbours = _Neighbours(sources, half)
    lonely = [int(i) for i in np.flatnonzero(stars) if neighbours.leave_alone(int(i))][:limit]
    chosen = sources.chosen(np.array(lonely, dtype=int))
    stamps = cut_stamps(pixels, bad, chosen.x, chosen.y, half=half)
    for good, star in zip(stamps.good, lonely, strict=True):
        neighbours.mask(good, star)
    level = _sky_level(stamps, half)
    stamps = replace(stamps, pixels=stamps.pixels - level[:, None, None])
    aperture = radii(half) < 3.0 * (np.median(chosen.size) if lonely else 1.0)
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
    level[enough] = np.nanmedian(values[enough], axis=1)
    spread = np.nanmedian(np.abs(values[enough] - level[enough, None]), axis=1)
    error[enough] = MEDIAN_ERROR * MAD_TO_SIGMA * spread / np.sqrt(count[enough])
    return np.where(np.abs(level) > LEVEL_SIGMA * error, level, 0.0)


class _Neighbours:
    """Who stands near whom among the sources of a frame."""

    def __init__(self, sources: Sources, half: int) -> None:
        self.sources = sources
        self.half = half
        self.tree = cKDTree(np.column_stack([sources.x, sources.y]))

    def around(self, star: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Give the other sources near ``star`` and their distances, px."""
        where = np.array([self.sources.x[star], self.sources.y[star]])
        near = np.array(self.tree.query_ball_point(where, 1.5 * self.half), dtype=np.int64)
        near = near[near != star]
        return near, np.hypot(self.sources.x[near] - where[0], self.sources.y[near] - where[1])

    def leave_alone(self, star: int) -> bool:
        """Tell whether no neighbour spoils the stamp: none of note close by, none brighter near."""
        near, distance = self.around(star)
        share = self.sources.flux[near] / self.sources.flux[star]
        close = distance < 3.5 * self.sources.size[star]
        return not bool(np.any(close & (share > 0.02)) or np.any(share > 0.7))

    def mask(self, good: BoolArray, star: int) -> None:
        """Clear ``good`` (a stamp of ``star``) around every neighbour, further for bright ones."""
        offset = np.arange(-self.half, self.half + 1)
        for other in self.around(star)[0]:
            dx = self.sources.x[other] - self.sources.x[star]
            dy = self.sources.y[other] - self.sources.y[star]
            reach = 2.0 * self.sources.size[other] + 1.5 * np.log10(
                max(1.0, self.sources.flux[other] / self.sources.flux[-1])
            )
            good[np.hypot(offset[:, None] - dy, offset[None, :] - dx) < reach] = False
