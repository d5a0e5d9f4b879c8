"""The sky of a frame, and its noise, on a mesh."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from preprocessing.astrometry.skymap import FLAT, Background, CellSky
from preprocessing.masks import Bools, Mask
from preprocessing.resampling.correlation import bands, low_frequency_power
from preprocessing.sky.blocks import BLOCK_PX, Blocks, beside, pair_means
from preprocessing.sky.mesh import (
    MODE_ERROR,
    Mesh,
    clipped_cells,
    clipped_scatter,
    fill_cells,
    median_of_cells,
    smoothed_cells,
)
from preprocessing.sky.tilt import fit_tilt

Pixels = NDArray[np.float32]
Floats = NDArray[np.floating]

# The mean, in sigma of one pixel, above which a block of pixels holds light: blocks find sources
# at 4.5 sigma, squares of four blocks the halos of bright stars, which are too faint for single
# pixels; lower than 0.75, structure of the sky itself would count as halo.
SOURCE_SIGMA, HALO_SIGMA = 1.125, 0.75
# A halo that fills cells hides in the first sky, and shows in the second; a giant one shows piece
# by piece, until the marks change in less than this share of the frame.
REFINEMENTS, MOST_REFINEMENTS, SETTLED = 2, 6, 0.02
# So many blocks of a cell show well enough where sources are.
ROUGH_BLOCKS = 256
# From so many pixels the level of a cell is known to 0.09 sigma, its noise to 5 %.
LEAST_SKY_PX = 200
# A cell of which more than half is masked is no good sky where a halo fills it; in a crowded
# field all cells are so, and the better half of them is used.
FREE_SHARE, CELLS_USED = 0.5, 0.5
# A cell that stands above those round it by more than this, in noise of one pixel, holds light.
PEAK_SIGMA = 0.25


def estimate_background(pixels: NDArray[np.floating], mask: Mask, *, mesh_px: int) -> Background:
    """Estimate the sky and its noise, sources and the halos of bright stars left out.

    All is measured on the means of blocks of 4 x 4 pixels, the noise on every fourth pixel. The
    first pass, on a mesh, takes halos for sky; each refinement leaves out the sources and halos
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
    Bertin & Arnouts 1996, A&AS 117, 393 (mesh, clipping, mode).
    """
    values = np.asarray(pixels, np.float32)
    unusable = mask != 0
    if not np.isfinite(values.sum(dtype=np.float64)):
        unusable |= ~np.isfinite(values)
    blocks = Blocks.of(values, unusable)
    mesh = Mesh.over(blocks.means.shape, cell_px=mesh_px, block_px=BLOCK_PX)
    check_sky(blocks, mesh, unusable)
    cells, lit = sky_without_sources(blocks, mesh)
    if not cells.scatter.max() > 0:
        raise ValueError(
            f"all usable pixels are equal to {values[~unusable][0]:g}: the frame has no noise, "
            "so it is no exposure of the sky"
        )
    found = cells.at_pixels(values.shape)
    return replace(found, power=low_frequency_power(sky_bands(values, unusable, found, lit)))


def sky_bands(values: Pixels, unusable: Bools, found: Background, lit: Bools) -> Iterator[Pixels]:
    """Give bands of rows as sky over its scatter, NaN where there is none to see."""
    for band in bands(values.shape[0]):
        sky = (values[band] - found.sky.rows(band)) / found.scatter.rows(band)
        rows = np.minimum(np.arange(band.start, band.stop) // BLOCK_PX, lit.shape[0] - 1)
        columns = np.minimum(np.arange(values.shape[1]) // BLOCK_PX, lit.shape[1] - 1)
        sky[unusable[band] | lit[rows][:, columns]] = np.nan
        yield sky


def check_sky(blocks: Blocks, mesh: Mesh, unusable: Bools) -> None:
    """Refuse a frame with too few good pixels to measure a sky from."""
    if unusable.all():
        raise ValueError(f"all {unusable.size} pixels are masked: no sky to estimate, leave it out")
    if not has_sky(blocks, mesh, ~blocks.usable):
        raise ValueError(
            f"{int((~unusable).sum())} of {unusable.size} pixels are good, but no cell of the sky "
            f"mesh has {LEAST_SKY_PX}: too few to measure the sky, leave the frame out"
        )


def sky_without_sources(blocks: Blocks, mesh: Mesh) -> tuple[CellSky, Bools]:
    """Refine the sky until the sources that it shows stay the same; give it and their blocks."""
    lit, tilt = ~blocks.usable, FLAT
    thin = max(1, mesh.cell[0] * mesh.cell[1] // ROUGH_BLOCKS)
    sky = sky_on_mesh(blocks, mesh, lit, tilt, thin=thin)
    for turn in range(1, MOST_REFINEMENTS + 1):
        found = ~blocks.usable | find_sources(blocks, sky)
        if not has_sky(blocks, mesh, found):
            break
        changed = (found ^ lit).mean()
        lit, tilt = found, fit_tilt(blocks.means, found)
        sky = sky_on_mesh(blocks, mesh, lit, tilt, thin=thin)
        if turn >= REFINEMENTS and changed < SETTLED:
            break
    sky = sky_on_mesh(blocks, mesh, lit, tilt)
    return replace(sky, scatter=finer_scatter(blocks, sky, lit)), lit


def finer_scatter(blocks: Blocks, sky: CellSky, lit: Bools) -> Floats:
    """Measure the scatter of the cells again, on all sampled pixels."""
    level = sky.at_blocks().level
    level[lit] = np.nan
    sample = np.concatenate([sky.mesh.cells(one - level) for one in blocks.sample], axis=1)
    known = usable_cells(blocks, sky.mesh, lit).reshape(sky.mesh.shape)
    scatter = clipped_scatter(sample, sky.scatter.ravel().astype(np.float32))
    return median_of_cells(fill_cells(scatter.reshape(sky.mesh.shape), known))


def sky_on_mesh(blocks: Blocks, mesh: Mesh, lit: Bools, tilt: Floats, *, thin: int = 1) -> CellSky:
    """Give the clipped sky and scatter of each cell, from one of ``thin`` blocks."""
    slope = CellSky(mesh, np.zeros(mesh.shape), np.ones(mesh.shape), tilt).at_blocks().level
    slope[lit] = np.nan
    level, _ = clipped_cells(mesh.cells(blocks.means - slope)[:, ::thin])
    _, scatter = clipped_cells(mesh.cells(blocks.sample[0] - slope)[:, ::thin])
    known = usable_cells(blocks, mesh, lit) & np.isfinite(level + scatter)
    count = np.maximum(sky_of_cells(blocks, mesh, lit) / thin, 1)
    level, scatter, count = (
        fill_cells(one.reshape(mesh.shape), known.reshape(mesh.shape))
        for one in (level, scatter, count)
    )
    scatter = median_of_cells(scatter)
    error = MODE_ERROR * scatter / np.sqrt(count)
    return CellSky(mesh, smoothed_cells(level, error, PEAK_SIGMA * scatter), scatter, tilt)


def sky_of_cells(blocks: Blocks, mesh: Mesh, lit: Bools) -> NDArray:
    """Give the number of pixels of sky in each cell."""
    return np.asarray(mesh.cells(blocks.counts * ~lit).sum(axis=1))


def usable_cells(blocks: Blocks, mesh: Mesh, lit: Bools) -> Bools:
    """Say which cells hold enough sky."""
    count, size = sky_of_cells(blocks, mesh, lit), BLOCK_PX**2 * mesh.sizes
    least = max(LEAST_SKY_PX, float(np.quantile(count, 1 - CELLS_USED)))
    return np.asarray((count >= LEAST_SKY_PX) & ((count > FREE_SHARE * size) | (count >= least)))


def has_sky(blocks: Blocks, mesh: Mesh, lit: Bools) -> bool:
    """Say whether any cell has enough pixels to measure its sky."""
    return bool((sky_of_cells(blocks, mesh, lit) >= LEAST_SKY_PX).any())


def find_sources(blocks: Blocks, sky: CellSky) -> Bools:
    """Mark the blocks with sources and their wings, and with light too faint for single pixels."""
    seen = sky.at_blocks()
    noise = np.maximum(seen.rms, np.finfo(np.float32).tiny)
    return lit_blocks(blocks, (blocks.means - seen.level) / noise)


def lit_blocks(blocks: Blocks, excess: Floats) -> Bools:
    """Mark the blocks that hold light, and those beside them.

    Parameters
    ----------
    excess : (by, bx) float32 array
        Mean of each block above the sky, in noise of one pixel.
    """
    # few pixels prove little: those that are missing count as sky
    weight = np.where(blocks.usable, blocks.counts, 0).astype(np.float32)
    excess = excess * (weight / np.float32(BLOCK_PX**2))
    halos = beside(pair_means(excess) > HALO_SIGMA).repeat(2, axis=0).repeat(2, axis=1)
    short = [(0, full - got) for full, got in zip(excess.shape, halos.shape, strict=True)]
    return np.asarray(beside(excess > SOURCE_SIGMA) | np.pad(halos, short, mode="edge"))
