"""Both images without holes that would show in their difference, made where they are needed."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from differencing.subtraction.noise import BoolArray, Float32Image
from differencing.subtraction.prepare import Plane
from differencing.subtraction.tiles import Tile
from preprocessing.masks import MaskBit, has_bits
from preprocessing.sky.mesh import Surface

UNUSABLE = (
    MaskBit.NO_DATA | MaskBit.SATURATED | MaskBit.BAD_PIXEL | MaskBit.COSMIC_RAY | MaskBit.TRAIL
)
SAME_STAR = 0.3  # of saturation: a reference this bright shows that the star is no news


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
            values = values + self.sky.at(*np.divmod(where, self.pixels.shape[1]))
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


def fill_holes(planes: tuple[Plane, Plane], ratio: float, sky: Surface) -> Images:
    """Give both images without holes that would show, and without the background between them.

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
    sky : Surface
        What the science image holds more of a smooth background than the scaled reference.
    """
    where = np.flatnonzero(has_bits(planes[0].mask | planes[1].mask, UNUSABLE))
    place = np.divmod(where, planes[0].shape[1])
    here, there = (plane.pixels.reshape(-1)[where] for plane in planes)
    between = sky.at(*place)
    there = there * np.float32(ratio) + between
    hole_here, hole_there = lost_pixels(planes, ratio, place)
    saturated = has_bits(planes[0].mask[place] & planes[1].mask[place], MaskBit.SATURATED)
    both = hole_here & hole_there
    common = np.where(saturated, np.minimum(here, there), between)
    filled_here = np.where(both, common, np.where(hole_here, there, here))
    filled_there = np.where(both, common, np.where(hole_there, here, there)) - between
    return (
        Image(planes[0].pixels, where, filled_here.astype(np.float32), sky),
        Image(planes[1].pixels, where, (filled_there / np.float32(ratio)).astype(np.float32)),
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
