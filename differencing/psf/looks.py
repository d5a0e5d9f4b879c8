"""Stars as both frames of a pair show them, many at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from differencing.psf.match import FrameMatch
from differencing.psf.model import PsfModel
from differencing.psf.stamps import shift_matrices
from differencing.subtraction.images import Image, lost_pixels
from differencing.subtraction.noise import BoolArray, Float32Image, FloatArray
from differencing.subtraction.prepare import Plane

GROUP = 32  # stars looked at together: enough to be quick, few enough to need no room


@dataclass(frozen=True, eq=False)
class Stars:
    """Places in the reference (px) and fluxes (reference ADU) of ``n`` stars."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    flux: NDArray[np.float64]

    def __len__(self) -> int:
        """Count the stars."""
        return len(self.x)

    def chosen(self, index: NDArray) -> "Stars":
        """Give the stars at ``index``."""
        return Stars(self.x[index], self.y[index], self.flux[index])

    def put(self, index: NDArray, others: "Stars") -> None:
        """Replace the stars at ``index``, in place."""
        self.x[index], self.y[index], self.flux[index] = others.x, others.y, others.flux

    def groups(self) -> Iterator["Stars"]:
        """Give the stars few at a time; what is written to these is written to all."""
        for first in range(0, len(self), GROUP):
            part = slice(first, first + GROUP)
            yield Stars(self.x[part], self.y[part], self.flux[part])


@dataclass(frozen=True, eq=False)
class View:
    """One frame as the fit of stars sees it."""

    plane: Plane
    image: Image
    model: PsfModel
    scale: float  # ADU per unit of a star's flux


@dataclass(frozen=True, eq=False)
class Scene:
    """Both frames as the fit of stars sees them, science first."""

    views: tuple[View, View]
    matched: FrameMatch

    @property
    def planes(self) -> tuple[Plane, Plane]:
        """Planes of both frames."""
        return self.views[0].plane, self.views[1].plane

    def shift(
        self, x: FloatArray, y: FloatArray
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give what to add to places in the reference to have them in the science image."""
        return self.matched.shift_x.at(x, y), self.matched.shift_y.at(x, y)

    def looks(self, stars: Stars) -> Iterator["Look"]:
        """Look at some stars in the science image, then in the reference."""
        for index, view in enumerate(self.views):
            dx, dy = self.shift(stars.x, stars.y) if index == 0 else (0.0, 0.0)
            yield Look.at(view, stars.x + dx, stars.y + dy)

    def lost(self, look: "Look") -> tuple[BoolArray, BoolArray]:
        """Mark what is unusable in science and reference around the stars of a look."""
        here, there = lost_pixels(self.planes, self.matched.flux_ratio, look.where)
        return here & look.inside, there & look.inside


@dataclass(frozen=True, eq=False)
class Look:
    """Stamps of ``n`` stars in one view; where they leave the frame they are not ``inside``."""

    view: View
    where: tuple[NDArray[np.intp], NDArray[np.intp]]  # (n, k, 1) rows, (n, 1, k) columns
    inside: BoolArray  # (n, k, k)
    shapes: NDArray[np.float64]  # (n, 3, k, k): PSF, d/dx, d/dy

    @classmethod
    def at(cls, view: View, x: FloatArray, y: FloatArray) -> "Look":
        """Look at stars at places (px) of the view's frame."""
        column, row = np.rint(x).astype(int), np.rint(y).astype(int)
        offset = np.arange(-view.model.half, view.model.half + 1)
        rows, columns = row[:, None, None] + offset[:, None], column[:, None, None] + offset
        height, width = view.plane.shape
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        where = np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)
        return cls(view, where, inside, _shapes(view.model, x, y, (column - x, row - y)))

    def light(self) -> Float32Image:
        """Give the stars' pixels above the sky."""
        light, sky = self.view.plane.pixels[self.where], self.view.image.sky
        if sky is None:
            return light
        down, along = self.where[0][:, :, 0], self.where[1][:, 0]
        return np.asarray(light - sky.down[down] @ np.moveaxis(sky.along[:, along], 0, 1))


def _shapes(
    model: PsfModel, x: FloatArray, y: FloatArray, offset: tuple[FloatArray, FloatArray]
) -> NDArray[np.float64]:
    """Give the PSFs at places, moved by ``offset`` (x, y) towards 0, and their slopes."""
    along, down = (shift_matrices(by, 2 * model.half + 1) for by in offset)
    steep_along, steep_down = (
        shift_matrices(by, 2 * model.half + 1, derivative=True) for by in offset
    )
    stamps = model.many(x, y)
    moved = stamps @ along.swapaxes(1, 2)
    by_x = down @ (stamps @ steep_along.swapaxes(1, 2))
    return np.stack([down @ moved, by_x, steep_down @ moved], axis=1)
