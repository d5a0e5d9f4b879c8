"""The smooth background that is left between two images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from differencing.subtraction.noise import BoolArray, Float32Image, FloatArray
from differencing.subtraction.prepare import Plane
from differencing.subtraction.surface import (
    DEGREE,
    Levels,
    fit_surface,
    spline_basis,
    splines_of_pixels,
)
from preprocessing.sky.background import SOURCE_SIGMA
from preprocessing.sky.blocks import BLOCK_PX, beside, block_sums, mean_of_good
from preprocessing.sky.mesh import TO_MEAN, Surface, clipped_cells, order_statistic

LEAST_BLOCKS = 16  # of a cell: the mean of fewer is no use
SMALLEST_MESH = 32  # px
MOST_CELLS = 64  # along a side: the cells of larger frames are larger


@dataclass(frozen=True)
class Side:
    """One side of a frame in cells of equal size, laid the same from either end.

    Attributes
    ----------
    length : int
        px
    parts : int
        Cells, and parts of the splines.
    """

    length: int
    parts: int

    @classmethod
    def of(cls, length: int, cell_px: float) -> "Side":
        """Divide a side into cells near ``cell_px``."""
        return cls(length, max(1, round(length / cell_px)))

    @property
    def blocks(self) -> slice:
        """The pixels of whole blocks; what is left over lies at both ends."""
        first = self.length % BLOCK_PX // 2
        return slice(first, first + self.length // BLOCK_PX * BLOCK_PX)

    @property
    def cells(self) -> NDArray[np.intp]:
        """Numbers of the blocks of each cell, (cells, blocks); neighbours may share one."""
        count = self.length // BLOCK_PX
        size = -(-count // self.parts)
        first = np.rint(np.linspace(0, count - size, self.parts)).astype(int)
        return first[:, None] + np.arange(size)

    def splines(self, places: FloatArray) -> sparse.csr_array:
        """Give the splines at some places, px from the edge of the frame."""
        return spline_basis(places, parts=self.parts, length=self.length)

    def splines_of_cells(self) -> tuple[FloatArray, NDArray[np.intp]]:
        """Give the splines at the middle of each block of each cell, and their numbers.

        Returns
        -------
        (cells, blocks, n) and (cells, n) arrays
            For the n splines that reach into a cell, those of other cells beside them.
        """
        middles = self.blocks.start + (np.arange(self.length // BLOCK_PX) + 0.5) * BLOCK_PX
        basis = self.splines(middles).toarray()[self.cells]
        reached = basis.any(axis=1)
        first, width = reached.argmax(axis=1), int(reached.sum(axis=1).max())
        number = np.minimum(first, basis.shape[2] - width)[:, None] + np.arange(width)
        return np.take_along_axis(basis, number[:, None], axis=2), number


def remainder(planes: tuple[Plane, Plane], ratio: float, *, mesh: int) -> Surface:
    """Measure the smooth background (science ADU) left in a plain difference.

    Parameters
    ----------
    planes : pair of Plane
        Science and reference.
    ratio : float
        Science ADU per reference ADU.
    mesh : int
        Side of a cell of the background, px; larger in frames of more than 64 cells a side.
    """
    shape = planes[0].shape
    size = max(min(mesh, *(side // 2 for side in shape)), SMALLEST_MESH, max(shape) / MOST_CELLS)
    sides = Side.of(shape[0], size), Side.of(shape[1], size)
    (science, reference), known = block_means(planes, sides)
    for means, plane in zip((science, reference), planes, strict=True):
        known &= ~lit_blocks(np.where(known, means, np.float32(np.nan)), plane.sigma, sides)
    weights = fit_surface(levels_of_cells(science - np.float32(ratio) * reference, known, sides))
    down, along = (splines_of_pixels(side.length, side.parts) for side in sides)
    return Surface(down, (weights @ along.T).astype(np.float32))


def levels_of_cells(means: Float32Image, known: BoolArray, sides: tuple[Side, Side]) -> Levels:
    """Give the clipped mean of each cell, and how much of each spline its known blocks see."""
    seen = in_cells(known, sides)
    values = in_cells(np.where(known, means, np.float32(np.nan)), sides)
    level, _ = clipped_cells(values.reshape(seen.shape[0] * seen.shape[1], -1), of_mean=TO_MEAN)
    count = seen.sum(axis=(2, 3))
    usable = (count.ravel() >= LEAST_BLOCKS) & np.isfinite(level)
    return Levels(
        np.where(usable, level, 0),
        np.where(usable, count.ravel(), 0),
        mean_splines(seen, count, sides),
        (sides[0].parts + DEGREE, sides[1].parts + DEGREE),
    )


def in_cells(blocks: NDArray, sides: tuple[Side, Side], *, step: int = 1) -> NDArray:
    """Give blocks, or one of ``step`` each way, as (rows, columns) of cells of (rows, columns)."""
    down, along = (side.cells[:, ::step] for side in sides)
    return np.asarray(blocks[down[:, None, :, None], along[None, :, None, :]])


def mean_splines(
    seen: BoolArray, count: NDArray[np.integer], sides: tuple[Side, Side]
) -> sparse.csr_array:
    """Give the mean of each product of splines over the known blocks of each cell.

    It is taken for the product of the means down and along, as it is in a rectangle.
    """
    (down, rows), (along, columns) = (side.splines_of_cells() for side in sides)
    down = seen.sum(axis=3) @ down
    along = (seen.sum(axis=2).swapaxes(0, 1) @ along).swapaxes(0, 1)
    means = down[..., None] * along[..., None, :] / np.maximum(count, 1)[..., None, None] ** 2
    across = sides[1].parts + DEGREE
    number = rows[:, None, :, None] * across + columns[None, :, None, :]
    each = rows.shape[1] * columns.shape[1]
    starts = np.arange(count.size + 1) * each
    shape = count.size, (sides[0].parts + DEGREE) * across
    found = sparse.csr_array((means.ravel(), number.ravel(), starts), shape=shape)
    found.eliminate_zeros()
    return found


def lit_blocks(means: Float32Image, sigma: float, sides: tuple[Side, Side]) -> BoolArray:
    """Mark the blocks of one frame with light of sources, and those beside them.

    What a PSF and another leave of a star is no sky. Light is what stands above the median of
    a cell, so that a crowded cell and a sky that was not taken away are not lit all over.

    Parameters
    ----------
    means : (by, bx) float32 array
        NaN where nothing is known.
    sigma : float
        Noise of a pixel.
    """
    some = in_cells(means, sides, step=2)
    ordered = np.sort(some.reshape(some.shape[0] * some.shape[1], -1), axis=1)
    count = np.isfinite(ordered).sum(axis=1)
    median = order_statistic(ordered, np.zeros_like(count), count, 0.5).reshape(some.shape[:2])
    cells = (
        np.searchsorted(side.cells[:, 0], np.arange(number), side="right") - 1
        for side, number in zip(sides, means.shape, strict=True)
    )
    return beside(means - median[np.ix_(*cells)] > np.float32(SOURCE_SIGMA * sigma))


def block_means(
    planes: tuple[Plane, Plane], sides: tuple[Side, Side]
) -> tuple[list[Float32Image], BoolArray]:
    """Give the means of blocks of each frame, of pixels good in both, and which hold any."""
    whole = sides[0].blocks, sides[1].blocks
    bad = planes[0].bad[whole] | planes[1].bad[whole]
    rows, columns = np.divmod(np.flatnonzero(bad), bad.shape[1])
    width = bad.shape[1] // BLOCK_PX
    spoiled = np.unique(rows // BLOCK_PX * width + columns // BLOCK_PX)
    where = np.divmod(spoiled, width)

    def means_of(plane: Plane) -> tuple[Float32Image, NDArray[np.integer]]:
        means = block_sums(plane.pixels[whole])
        means /= np.float32(BLOCK_PX**2)
        means[where], count = mean_of_good(plane.pixels[whole], bad, *where)
        return means, count

    (science, count), (reference, _) = map(means_of, planes)
    known = np.ones((bad.shape[0] // BLOCK_PX, width), bool)
    known[where] = count > 0
    return [science, reference], known
