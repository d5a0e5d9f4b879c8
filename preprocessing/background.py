"""The sky of a frame, and its noise, on a mesh."""

from dataclasses import dataclass, replace

import numpy as np
import sep
from numpy.typing import NDArray
from scipy import ndimage

from preprocessing.correlation import low_frequency_power
from preprocessing.masks import Bools, Mask

Pixels = NDArray[np.float32]
Floats = NDArray[np.float64]
Cell = tuple[slice, slice]

# Blocks of pixels, px on a side, and the mean in sigma of one pixel above which they hold light:
# small ones find sources at 4.5 sigma, large ones the halos of bright stars, which are too faint
# for single pixels; lower than 0.75, structure of the sky itself would count as halo.
SOURCE_BLOCK_PX, SOURCE_SIGMA = 4, 1.125
HALO_BLOCK_PX, HALO_SIGMA = 8, 0.75
# A halo that fills cells hides in the first sky, and shows in the second; a giant one shows piece
# by piece, until the marks change in less than this share of the frame.
REFINEMENTS, MOST_REFINEMENTS, SETTLED = 2, 6, 0.02
SMALLEST_CELL_PX = 16
# From so many pixels the level of a cell is known to 0.09 sigma, its noise to 5 %.
LEAST_SKY_PX = 200
# sep leaves a cell out when more than half of it is masked: in a crowded field, all of them. What
# little sky such cells have is used only where half of the cells would be left out else, as the
# rest of a cell that a halo fills is no good sky.
SEP_SHARE, CELLS_USED = 0.5, 0.5
# The tilt is fitted to means of blocks. Nowhere in the frame may it be less certain than one
# block: 26 blocks spread evenly reach that in the corners, any number on one side does not.
TILT_BLOCK_PX, LARGEST_LEVERAGE = 8, 1.0
# Noise between the cells, over that in the quietest cell.
LOWEST_SWING = np.float32(0.5)
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
    that the sky before it shows, with a tilt of the whole frame taken away first. Cells with fewer
    than 200 pixels of sky take that of the nearest cells; a refinement that would leave no cell
    with so many is not made.

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
        If no cell has enough usable pixels, or the sky has no scatter at all.

    References
    ----------
    Bertin & Arnouts 1996, A&AS 117, 393 (mesh, clipping, mode); Barbary 2016, JOSS 1, 58 (sep).
    """
    unusable = (mask != 0) | ~np.isfinite(pixels)
    check_sky(unusable, mesh_px)
    values = np.where(unusable, 0, pixels).astype(np.float32)
    sky, sources = sky_without_sources(values, unusable, mesh_px)
    if not sky.rms.max() > 0:
        raise ValueError(
            f"all usable pixels are equal to {values[~unusable][0]:g}: the frame has no noise, "
            "so it is no exposure of the sky"
        )
    return replace(sky, power=low_frequency_power(values - sky.level, sky.rms, sources))


def check_sky(unusable: Bools, mesh_px: int) -> None:
    """Refuse a frame with too few good pixels to measure a sky from."""
    if unusable.all():
        raise ValueError(f"all {unusable.size} pixels are masked: no sky to estimate, leave it out")
    if not has_sky(unusable, mesh_px):
        raise ValueError(
            f"{int((~unusable).sum())} of {unusable.size} pixels are good, but no cell of the sky "
            f"mesh has {LEAST_SKY_PX}: too few to measure the sky, leave the frame out"
        )


def sky_without_sources(values: Pixels, unusable: Bools, mesh_px: int) -> tuple[Background, Bools]:
    """Refine the sky until the sources that it shows stay the same; give both."""
    sky, sources = sky_on_mesh(values, unusable, mesh_px), unusable
    for turn in range(1, MOST_REFINEMENTS + 1):
        found = unusable | find_sources(values, unusable, sky)
        if not has_sky(found, mesh_px):
            break
        changed = (found ^ sources).mean()
        sky, sources = refine(values, unusable, found, mesh_px), found
        if turn >= REFINEMENTS and changed < SETTLED:
            break
    return sky, sources


def refine(values: Pixels, unusable: Bools, sources: Bools, mesh_px: int) -> Background:
    """Give the sky with sources left out, a tilt of the whole frame taken away first."""
    tilt = fit_tilt(values, sources)
    flat = sky_on_mesh(np.where(unusable, 0, values - tilt), sources, mesh_px)
    return replace(flat, level=flat.level + tilt)


def sky_on_mesh(values: Pixels, unusable: Bools, mesh_px: int) -> Background:
    """Give the clipped sky of each cell, median filtered over 3x3 cells, as smooth maps."""
    height, width = (even_cell(side, mesh_px) for side in values.shape)
    values, unusable = fill_sparse_cells(values, unusable, mesh_px)
    mesh = sep.Background(values, mask=unusable, bw=width, bh=height, fw=3, fh=3)
    rms = mesh.rms(dtype=np.float32) / np.float32(CLIPPED_GAUSSIAN_SIGMA)
    # beside a cell of great scatter the spline swings low, even below zero
    least = LOWEST_SWING * rms[height // 2 :: height, width // 2 :: width].min()
    return Background(mesh.back(dtype=np.float32), np.maximum(rms, least))


def fill_sparse_cells(values: Pixels, unusable: Bools, mesh_px: int) -> tuple[Pixels, Bools]:
    """Repeat the sky pixels of cells that hold enough of them, but too small a share for sep.

    Median, mean and scatter of a cell do not ask where in it a pixel lies, nor do they change when
    every pixel counts twice.
    """
    counted = sky_of_cells(unusable, mesh_px)
    least = max(LEAST_SKY_PX, np.quantile([count for _, count in counted], 1 - CELLS_USED))
    sparse = [
        (cell, count)
        for cell, count in counted
        if least <= count <= SEP_SHARE * unusable[cell].size
    ]
    if not sparse:
        return values, unusable
    values, unusable = values.copy(), unusable.copy()
    for cell, count in sparse:
        masked = unusable[cell]
        # whole turns only: no pixel counts more often than another
        rows, columns = (
            side[: masked.size // count * count - count] for side in np.nonzero(masked)
        )
        values[cell][rows, columns] = np.resize(values[cell][~masked], rows.size)
        masked[rows, columns] = False
    return values, unusable


def has_sky(unusable: Bools, mesh_px: int) -> bool:
    """Say whether any cell has enough pixels to measure its sky."""
    return any(count >= LEAST_SKY_PX for _, count in sky_of_cells(unusable, mesh_px))


def sky_of_cells(unusable: Bools, mesh_px: int) -> list[tuple[Cell, int]]:
    """Give the cells into which sep divides a frame, and the usable pixels in each."""
    height, width = (even_cell(side, mesh_px) for side in unusable.shape)
    cells = [
        (slice(top, top + height), slice(left, left + width))
        for top in range(0, unusable.shape[0], height)
        for left in range(0, unusable.shape[1], width)
    ]
    return [(cell, int((~unusable[cell]).sum())) for cell in cells]


def fit_tilt(values: Pixels, unlit: Bools) -> Pixels:
    """Give the quadratic surface through the sky pixels.

    Taken away first, it spares the mesh the slopes that its median filter flattens at the borders.
    Zero when the sky that is left does not hold it everywhere.
    """
    weight = block_mean((~unlit).astype(np.float32), TILT_BLOCK_PX)
    usable = weight > 0.5
    rows, columns = np.nonzero(usable)
    height, width = values.shape
    y, x = (TILT_BLOCK_PX * (index + 0.5) - 0.5 for index in (rows, columns))
    design = quadratic(x / width, y / height)
    if not is_held(design):
        return np.zeros_like(values)
    mean = block_mean(np.where(unlit, 0, values), TILT_BLOCK_PX)[usable] / weight[usable]
    (a, b, c, d, e, f), *_ = np.linalg.lstsq(design, mean, rcond=None)
    x, y = np.arange(width) / width, np.arange(height)[:, None] / height
    # Three small pieces: six full-size terms in double precision would cost more than the mesh.
    along, down = (a + b * x + c * x * x), (d * y + e * y * y)
    product = (f * y).astype(np.float32) * x.astype(np.float32)
    return np.asarray(product + along.astype(np.float32) + down.astype(np.float32))


def quadratic(x: Floats, y: Floats) -> Floats:
    """Give the six terms of a quadratic surface at each place, as rows."""
    return np.stack([np.ones_like(x), x, x * x, y, y * y, x * y], -1)


def is_held(design: Floats) -> bool:
    """Say whether the blocks hold the surface everywhere in the frame: leverage of its corners."""
    normal = design.T @ design
    if np.linalg.matrix_rank(normal, hermitian=True) < len(normal):
        return False
    places = quadratic(*(side.ravel() for side in np.mgrid[0:1:5j, 0:1:5j]))
    leverage = (places * np.linalg.solve(normal, places.T).T).sum(axis=1)
    return bool(leverage.max() <= LARGEST_LEVERAGE)


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
