"""The sky of a frame, and its noise, on a mesh."""

from dataclasses import dataclass, replace

import numpy as np
import sep
from numpy.typing import NDArray
from scipy import ndimage

from preprocessing.correlation import low_frequency_power
from preprocessing.masks import Bools, Mask

Pixels = NDArray[np.float32]

# A 3x3 mean above this many sigma of one pixel is a source (4.5 sigma of the mean).
SOURCE_SIGMA = 1.5
# Wings go on below the threshold.
SOURCE_GROWTH_PX = 4
# Halos: means over 8x8 pixels find light at a fraction of the noise of one pixel.
HALO_BIN_PX = 8
HALO_SIGMA = 0.75
SMALLEST_CELL_PX = 16
# A Gaussian clipped at 3 of its own clipped sigma has s = 0.9847: s^2 = 1 - 2 k phi(k) / P(|x| < k)
# with k = 3 s. Dividing by s gives back the sigma before clipping.
CLIPPED_GAUSSIAN_SIGMA = 0.9847


@dataclass(frozen=True)
class Background:
    """The sky and its noise.

    Attributes
    ----------
    level : (ny, nx) float32 array
        Sky, in the unit of the frame.
    rms : (ny, nx) float32 array
        1-sigma scatter of single sky pixels, in the unit of the frame.
    power : float
        Noise power at low frequency over ``rms ** 2``: 1 for independent pixels, more for a frame
        that was interpolated before.
    """

    level: Pixels
    rms: Pixels
    power: float = 1.0


def estimate_background(pixels: NDArray[np.floating], mask: Mask, *, mesh_px: int) -> Background:
    """Estimate the sky and its noise, sources and the halos of bright stars left out.

    Two passes: the first, on a mesh, finds sources and halos; the second leaves them out.

    Parameters
    ----------
    pixels : (ny, nx) array
        Any unit. Not finite pixels are left out.
    mask : (ny, nx) uint16 array
        Pixels that are not 0 are left out.
    mesh_px : int
        Side of a mesh cell. Cells are fitted to divide the frame evenly.

    Returns
    -------
    Background

    Raises
    ------
    ValueError
        If no usable pixel is left, or the sky has no scatter at all.

    References
    ----------
    Bertin & Arnouts 1996, A&AS 117, 393 (mesh, clipping, mode); Barbary 2016, JOSS 1, 58 (sep).
    """
    unusable = (mask != 0) | ~np.isfinite(pixels)
    if unusable.all():
        raise ValueError(f"all {pixels.size} pixels are masked: no sky to estimate, leave it out")
    values = np.where(unusable, 0, pixels).astype(np.float32)
    first = sky_on_mesh(values, unusable, mesh_px)
    sources = find_sources(values, unusable, first)
    second = sky_on_mesh(values, unusable | sources, mesh_px)
    if not second.rms.max() > 0:
        raise ValueError(
            f"all usable pixels are equal to {values[~unusable][0]:g}: the frame has no noise, "
            "so it is no exposure of the sky"
        )
    unlit = unusable | sources
    return replace(second, power=low_frequency_power(values - second.level, second.rms, unlit))


def sky_on_mesh(values: Pixels, unusable: Bools, mesh_px: int) -> Background:
    """Give the clipped sky of each cell, median filtered over 3x3 cells, as smooth maps."""
    height, width = (even_cell(side, mesh_px) for side in values.shape)
    mesh = sep.Background(values, mask=unusable, bw=width, bh=height, fw=3, fh=3)
    rms = mesh.rms(dtype=np.float32) / np.float32(CLIPPED_GAUSSIAN_SIGMA)
    return Background(mesh.back(dtype=np.float32), rms)


def even_cell(side: int, mesh_px: int) -> int:
    """Give the side of a cell near ``mesh_px`` that leaves no sliver at the frame's end."""
    cells = max(1, round(side / mesh_px))
    return max(SMALLEST_CELL_PX, -(-side // cells))


def find_sources(values: Pixels, unusable: Bools, sky: Background) -> Bools:
    """Mark sources with their wings, and extended light too faint to show in single pixels."""
    excess = values - sky.level
    excess[unusable] = 0
    bright = ndimage.uniform_filter(excess, 3) > SOURCE_SIGMA * sky.rms
    grown = ndimage.maximum_filter(bright, 2 * SOURCE_GROWTH_PX + 1)
    return np.asarray(grown | halos(excess, sky.rms))


def halos(excess: Pixels, rms: Pixels) -> Bools:
    """Mark blocks of 8x8 pixels that stand above the sky on the mean of their neighbourhood."""
    blocks = block_mean(excess, HALO_BIN_PX)
    noise = rms[::HALO_BIN_PX, ::HALO_BIN_PX][: blocks.shape[0], : blocks.shape[1]]
    lit = ndimage.maximum_filter(blocks > HALO_SIGMA * noise, 3)
    fine = lit.repeat(HALO_BIN_PX, axis=0).repeat(HALO_BIN_PX, axis=1)
    short = [(0, max(0, side - got)) for side, got in zip(excess.shape, fine.shape, strict=True)]
    return np.pad(fine, short, mode="edge")[: excess.shape[0], : excess.shape[1]]


def block_mean(values: Pixels, side: int) -> Pixels:
    """Give the mean of each whole ``side`` x ``side`` block."""
    rows, columns = (length // side for length in values.shape)
    blocks = values[: rows * side, : columns * side].reshape(rows, side, columns, side)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)
