"""Both images without holes that would show in their difference, made where they are needed."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from differencing.subtraction.noise import BoolArray, Float32Image, FloatArray
from differencing.subtraction.prepare import Plane, has_bits
from differencing.subtraction.tiles import Tile
from preprocessing.masks import MaskBit
from preprocessing.sky.blocks import BLOCK_PX, block_sums, mean_of_good
from preprocessing.sky.mesh import (
    MODE_ERROR,
    Mesh,
    Surface,
    clipped_cells,
    fill_cells,
    smoothed_cells,
)

UNUSABLE = (
    MaskBit.NO_DATA | MaskBit.SATURATED | MaskBit.BAD_PIXEL | MaskBit.COSMIC_RAY | MaskBit.TRAIL
)
SAME_STAR = 0.3  # of saturation: a reference this bright shows that the star is no news
LEAST_BLOCKS = 16  # of a cell: the background of fewer is that of the cells beside
SMALLEST_MESH = 32  # px


@dataclass(frozen=True, eq=False)
class Image:
    """Pixels of a plane, some of them replaced, a smooth background taken away.

    Only the tiles that are asked for are made, so that a frame is not held twice.
    """

    pixels: Float32Image
    where: NDArray[np.intp]  # of the replaced ones in the flattened frame, ascending
    values: Float32Image
    sky: Surface | None = None

    def square(self, tile: Tile) -> Float32Image:
        """Give the padded window of a tile, filled up to its square with zeros."""
        square = tile.square(self.pixels)
        rows, columns = tile.padded
        part = square[: rows.stop - rows.start, : columns.stop - columns.start]
        width = self.pixels.shape[1]
        first, last = np.searchsorted(self.where, (rows.start * width, rows.stop * width))
        down, along = np.divmod(self.where[first:last], width)
        inside = (along >= columns.start) & (along < columns.stop)
        part[down[inside] - rows.start, along[inside] - columns.start] = self.values[first:last][
            inside
        ]
        if self.sky is not None:
            part -= self.sky.window(rows, columns)
        return square

    def with_values(self, where: NDArray[np.intp], values: Float32Image) -> "Image":
        """Give the image with other pixels replaced, too; the sky is added to the ``values``."""
        if self.sky is not None:
            down, along = np.divmod(where, self.pixels.shape[1])
            values = values + np.einsum("nk,kn->n", self.sky.down[down], self.sky.along[:, along])
        # of two values for a pixel the new one, which comes first, counts
        merged, first = np.unique(np.concatenate([where, self.where]), return_index=True)
        both = np.concatenate([values, self.values]).astype(np.float32)
        return replace(self, where=merged, values=both[first])

    def whole(self) -> Float32Image:
        """Give the whole frame."""
        image = self.pixels.copy()
        image.reshape(-1)[self.where] = self.values
        if self.sky is not None:
            image -= self.sky.whole()
        return image


Images = tuple[Image, Image]


def fill_holes(planes: tuple[Plane, Plane], ratio: float) -> Images:
    """Give both images without holes that would show in the difference.

    A pixel unusable in one frame takes the scaled value of the other, so that the two agree
    there; unusable in both it is zero, or, in a star saturated in both, the fainter of the
    two. A saturated science pixel stays where the reference shows no comparable star: that is
    a new, bright source.

    Parameters
    ----------
    planes : pair of Plane
        Science and reference.
    ratio : float
        Science ADU per reference ADU.
    """
    where = np.flatnonzero(has_bits(planes[0].mask | planes[1].mask, UNUSABLE))
    place = np.divmod(where, planes[0].shape[1])
    here, there = (plane.pixels.reshape(-1)[where] for plane in planes)
    there = there * np.float32(ratio)
    hole_here, hole_there = lost_pixels(planes, ratio, place)
    saturated = has_bits(planes[0].mask[place] & planes[1].mask[place], MaskBit.SATURATED)
    both = hole_here & hole_there
    common = np.where(saturated, np.minimum(here, there), np.float32(0))
    filled_here = np.where(both, common, np.where(hole_here, there, here))
    filled_there = np.where(both, common, np.where(hole_there, here, there)) / np.float32(ratio)
    return (
        Image(planes[0].pixels, where, filled_here.astype(np.float32)),
        Image(planes[1].pixels, where, filled_there.astype(np.float32)),
    )


def lost_pixels(
    planes: tuple[Plane, Plane], ratio: float, where: tuple[slice, slice] | tuple[NDArray, ...]
) -> tuple[BoolArray, BoolArray]:
    """Mark what is unusable in science and reference at ``where``; a new, saturated source is not.

    The reference shows whether the source is new: nothing comparable is there.
    """
    mask_here, mask_there = (plane.mask[where] for plane in planes)
    here, there = has_bits(mask_here, UNUSABLE), has_bits(mask_there, UNUSABLE)
    known = planes[1].pixels[where] * np.float32(ratio)
    saturated = has_bits(mask_here, MaskBit.SATURATED)
    here &= ~(saturated & ~there & (known < SAME_STAR * planes[0].saturation))
    return here, there


def without_remainder(
    images: Images, planes: tuple[Plane, Plane], ratio: float, *, mesh: int
) -> Images:
    """Take the smooth background left in the plain difference out of the science image."""
    sky = remainder(planes, ratio, mesh=mesh)
    return replace(images[0], sky=sky), images[1]


def remainder(planes: tuple[Plane, Plane], ratio: float, *, mesh: int) -> Surface:
    """Measure the smooth background (science ADU) left in a plain difference.

    Parameters
    ----------
    planes : pair of Plane
        Science and reference.
    ratio : float
        Science ADU per reference ADU.
    mesh : int
        Side of a cell of the background, px.
    """
    means, known = difference_blocks(planes, np.float32(ratio))
    size = max(min(mesh, *(side // 2 for side in planes[0].shape)), SMALLEST_MESH)
    cells = Mesh.over(known.shape, cell_px=size, block_px=BLOCK_PX)
    level, scatter = clipped_cells(cells.cells(np.where(known, means, np.float32(np.nan))))
    count = cells.cells(known.astype(np.uint8)).sum(axis=1)
    usable = (count >= LEAST_BLOCKS) & np.isfinite(level)
    if not usable.any():
        level, usable = np.zeros_like(level), np.ones_like(usable)
    level, error = (
        fill_cells(one.reshape(cells.shape), usable.reshape(cells.shape))
        for one in (level, MODE_ERROR * scatter / np.sqrt(np.maximum(count, 1)))
    )
    smooth = smoothed_cells(level, error, np.full_like(level, np.inf))
    down, along = cells.weights(
        *((np.arange(side) + 0.5) / BLOCK_PX - 0.5 for side in planes[0].shape)
    )
    return Surface(down.astype(np.float32), (smooth @ along.T).astype(np.float32))


def difference_blocks(
    planes: tuple[Plane, Plane], ratio: np.float32
) -> tuple[Float32Image, FloatArray]:
    """Give the means of blocks of the plain difference, and which of them hold good pixels."""
    height, width = (side // BLOCK_PX for side in planes[0].shape)
    whole = np.s_[: height * BLOCK_PX, : width * BLOCK_PX]
    pixels = [plane.pixels[whole] for plane in planes]
    means = block_sums(pixels[0]) - ratio * block_sums(pixels[1])
    means /= np.float32(BLOCK_PX**2)
    bad = planes[0].bad[whole] | planes[1].bad[whole]
    rows, columns = np.divmod(np.flatnonzero(bad), bad.shape[1])
    spoiled = np.unique(rows // BLOCK_PX * width + columns // BLOCK_PX)
    where = np.divmod(spoiled, width)
    science, count = mean_of_good(pixels[0], bad, *where)
    means[where] = science - ratio * mean_of_good(pixels[1], bad, *where)[0]
    known = np.ones(means.shape, bool)
    known[where] = count > 0
    return means, known
