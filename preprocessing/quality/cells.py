"""A frame in cells of 8 by 8 pixels, in units of their noise: faint, wide things show there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from preprocessing.masks import Bools, Mask

Pixels = NDArray[np.float32]

CELL_PX = 8
BLOCK_CELLS = 4
# Median of n Gaussian values: its scatter is this over the square root of n.
MEDIAN_SIGMA = 1.2533
MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True)
class Cells:
    """Cells of a frame.

    Attributes
    ----------
    score : (my, mx) float32 array
        Light of a cell over the noise of that light; 0 where it is not usable.
    usable : (my, mx) bool array
        More than half of its pixels are good.
    """

    score: Pixels
    usable: Bools


def cells_of(pixels: Pixels, noise: Pixels, mask: Mask) -> Cells:
    """Bin a frame; the rows and columns that fill no cell are left out.

    Parameters
    ----------
    pixels, noise : (ny, nx) float32 arrays
        Above the sky, and its 1-sigma noise, as if pixels were independent; same unit.
    mask : (ny, nx) uint16 array
        Pixels that are not 0 are left out.
    """
    height, width = (side // CELL_PX * CELL_PX for side in pixels.shape)
    good = mask[:height, :width] == 0
    light = sums(np.where(good, pixels[:height, :width], np.float32(0)))
    count = sums(good.astype(np.float32))
    middle = CELL_PX // 2
    scale = noise[middle:height:CELL_PX, middle:width:CELL_PX] * np.sqrt(np.maximum(count, 1))
    usable = (count > CELL_PX**2 / 2) & (scale > 0)
    score = np.where(usable, light / np.where(usable, scale, 1), 0)
    return Cells(score.astype(np.float32), usable)


def sums(values: Pixels) -> Pixels:
    """Sum cells; rows first, which numpy does fast."""
    height, width = values.shape
    rows = values.reshape(height // CELL_PX, CELL_PX, width).sum(axis=1)
    return np.asarray(rows.reshape(len(rows), width // CELL_PX, CELL_PX).sum(axis=2))


def unevenness(cells: Cells) -> float:
    """Give the structure that is left in the sky, in noise of a pixel: 0 for an even one.

    It is the scatter of medians of 32 by 32 pixels, less what noise alone would give.
    """
    whole = in_blocks(cells.usable).all(axis=2)
    middles = np.median(in_blocks(cells.score), axis=2)[whole]
    if middles.size < 2:
        return 0.0
    scatter = MAD_TO_SIGMA * np.median(np.abs(middles - np.median(middles)))
    expected = MEDIAN_SIGMA / BLOCK_CELLS
    return float(np.sqrt(max(0.0, scatter**2 - expected**2)) / CELL_PX)


def smooth_part(cells: Cells) -> Pixels:
    """Give what is wide in the scores of cells: halos, nebulae, the sky; neither stars nor trails.

    Of blocks of 4 by 4 cells the medians, of 3 by 3 blocks the median of those: a trail that fills
    the blocks that it crosses crosses a third of nine.
    """
    height, width = cells.score.shape
    if min(height, width) < BLOCK_CELLS:
        return np.zeros_like(cells.score)
    middles = np.median(in_blocks(cells.score), axis=2)
    middles = ndimage.median_filter(middles, 3, mode="nearest")
    places = [(np.arange(side) + 0.5) / BLOCK_CELLS - 0.5 for side in (height, width)]
    wide = interpolated(middles, places[0])
    return np.asarray(interpolated(wide.T, places[1]).T, np.float32)


def in_blocks(cells: NDArray) -> NDArray:
    """Give (rows, columns, 16) cells of blocks; the cells that fill no block are left out."""
    rows, columns = (side // BLOCK_CELLS for side in cells.shape)
    whole = cells[: rows * BLOCK_CELLS, : columns * BLOCK_CELLS]
    parted = whole.reshape(rows, BLOCK_CELLS, columns, BLOCK_CELLS)
    return parted.transpose(0, 2, 1, 3).reshape(rows, columns, BLOCK_CELLS**2)


def interpolated(values: Pixels, places: NDArray[np.float64]) -> Pixels:
    """Give the rows of an image between its rows; beyond its ends the last ones."""
    last = len(values) - 1
    places = np.clip(places, 0, last)
    lower = np.minimum(places.astype(int), max(0, last - 1))
    share = (places - lower)[:, None].astype(np.float32)
    upper = np.minimum(lower + 1, last)
    return np.asarray(values[lower] * (1 - share) + values[upper] * share)
