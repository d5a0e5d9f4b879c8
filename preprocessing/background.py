"""The sky of a frame, and its noise, on a mesh."""

from dataclasses import dataclass, replace

import numpy as np
import sep
from numpy.typing import NDArray
from scipy import ndimage

from preprocessing.correlation import low_frequency_power
from preprocessing.masks import Bools, Mask

Pixels = NDArray[np.float32]

# Blocks of pixels, px on a side, and the mean in sigma of one pixel above which they hold light:
# small ones find sources at 4.5 sigma, large ones the halos of bright stars, which are too faint
# for single pixels; lower than 0.75, structure of the sky itself would count as halo.
SOURCE_BLOCK_PX, SOURCE_SIGMA = 4, 1.125
HALO_BLOCK_PX, HALO_SIGMA = 8, 0.75
# A halo that fills cells hides in the first sky, and shows in the second.
REFINEMENTS = 2
SMALLEST_CELL_PX = 16
# The tilt is fitted to means of blocks; fewer of them do not hold six coefficients.
TILT_BLOCK_PX, TILT_BLOCKS = 8, 30
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

    The first pass, on a mesh, takes halos for sky; each refinement leaves out the sources and halos
    that the sky before it shows, with a tilt of the whole frame taken away first.

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
    sky, sources = sky_on_mesh(values, unusable, mesh_px), unusable
    for _ in range(REFINEMENTS):
        sources = unusable | find_sources(values, unusable, sky)
        sky = refine(values, unusable, sources, mesh_px)
    if not sky.rms.max() > 0:
        raise ValueError(
            f"all usable pixels are equal to {values[~unusable][0]:g}: the frame has no noise, "
            "so it is no exposure of the sky"
        )
    return replace(sky, power=low_frequency_power(values - sky.level, sky.rms, sources))


def refine(values: Pixels, unusable: Bools, sources: Bools, mesh_px: int) -> Background:
    """Give the sky with sources left out, a tilt of the whole frame taken away first."""
    tilt = fit_tilt(values, sources)
    flat = sky_on_mesh(np.where(unusable, 0, values - tilt), sources, mesh_px)
    return replace(flat, level=flat.level + tilt)


def sky_on_mesh(values: Pixels, unusable: Bools, mesh_px: int) -> Background:
    """Give the clipped sky of each cell, median filtered over 3x3 cells, as smooth maps."""
    height, width = (even_cell(side, mesh_px) for side in values.shape)
    mesh = sep.Background(values, mask=unusable, bw=width, bh=height, fw=3, fh=3)
    rms = mesh.rms(dtype=np.float32) / np.float32(CLIPPED_GAUSSIAN_SIGMA)
    return Background(mesh.back(dtype=np.float32), rms)


def fit_tilt(values: Pixels, unlit: Bools) -> Pixels:
    """Give the quadratic surface through the sky pixels.

    Taken away first, it spares the mesh the slopes that its median filter flattens at the borders.
    Zero when too little sky is left to fit it.
    """
    weight = block_mean((~unlit).astype(np.float32), TILT_BLOCK_PX)
    usable = weight > 0.5
    if usable.sum() < TILT_BLOCKS:
        return np.zeros_like(values)
    mean = block_mean(np.where(unlit, 0, values), TILT_BLOCK_PX)[usable] / weight[usable]
    rows, columns = np.nonzero(usable)
    y, x = (TILT_BLOCK_PX * (index + 0.5) - 0.5 for index in (rows, columns))
    height, width = values.shape
    x, y = x / width, y / height
    design = np.stack([np.ones_like(x), x, x * x, y, y * y, x * y], -1)
    (a, b, c, d, e, f), *_ = np.linalg.lstsq(design, mean, rcond=None)
    x, y = np.arange(width) / width, np.arange(height)[:, None] / height
    # Three small pieces: six full-size terms in double precision would cost more than the mesh.
    along, down = (a + b * x + c * x * x), (d * y + e * y * y)
    product = (f * y).astype(np.float32) * x.astype(np.float32)
    return np.asarray(product + along.astype(np.float32) + down.astype(np.float32))


def even_cell(side: int, mesh_px: int) -> int:
    """Give the side of a cell near ``mesh_px`` that leaves no sliver at the frame's end."""
    cells = max(1, round(side / mesh_px))
    return max(SMALLEST_CELL_PX, -(-side // cells))


def find_sources(values: Pixels, unusable: Bools, sky: Background) -> Bools:
    """Mark sources with their wings, and extended light too faint to show in single pixels."""
    noise = np.maximum(sky.rms, np.finfo(np.float32).tiny)
    excess = np.where(unusable, 0, (values - sky.level) / noise).astype(np.float32, copy=False)
    sources = lit_blocks(excess, SOURCE_BLOCK_PX, SOURCE_SIGMA)
    return np.asarray(sources | lit_blocks(excess, HALO_BLOCK_PX, HALO_SIGMA))


def lit_blocks(excess: Pixels, side: int, threshold: float) -> Bools:
    """Mark the pixels of blocks whose mean is above ``threshold``, and of the blocks beside."""
    lit = ndimage.maximum_filter(block_mean(excess, side) > threshold, 3)
    fine = lit.repeat(side, axis=0).repeat(side, axis=1)
    short = [(0, full - got) for full, got in zip(excess.shape, fine.shape, strict=True)]
    return np.pad(fine, short, mode="edge")


def block_mean(values: Pixels, side: int) -> Pixels:
    """Give the mean of each whole ``side`` x ``side`` block."""
    rows, columns = (length // side for length in values.shape)
    blocks = values[: rows * side, : columns * side].reshape(rows, side, columns, side)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)
