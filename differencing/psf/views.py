"""Squares of two frames around the same sources."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from differencing.psf.match import FrameMatch
from differencing.psf.model import PsfModel
from differencing.psf.stars import Sources
from differencing.subtraction.noise import BoolArray, Float32Image
from differencing.subtraction.prepare import Plane
from preprocessing.sky.mesh import Surface

CORE = 2.4  # FWHM; within it a source shows its shape
MARGIN = 1.5  # of the core: what lies around it reaches into it through the PSFs


@dataclass(frozen=True)
class Views:
    """Squares of both frames around sources, without holes."""

    index: NDArray[np.intp]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    pixels: tuple[Float32Image, Float32Image]  # (n, side, side) each
    bad: BoolArray
    core: NDArray[np.intp]  # of the flattened square

    @property
    def side(self) -> int:
        """Side of a square, px."""
        return int(self.bad.shape[-1])

    def chosen(self, some: slice) -> "Views":
        """Give some of the sources."""
        here, there = self.pixels
        return Views(
            self.index[some], self.x[some], self.y[some], (here[some], there[some]),
            self.bad[some], self.core,
        )  # fmt: skip

    def without(self, sky: Surface) -> "Views":
        """Take away what is left of the sky at each source, science ADU."""
        level = sky.at(np.rint(self.y).astype(int), np.rint(self.x).astype(int))
        science = self.pixels[0] - level[:, None, None].astype(np.float32)
        return replace(self, pixels=(science, self.pixels[1]))

    @classmethod
    def of(
        cls,
        planes: tuple[Plane, Plane],
        models: tuple[PsfModel, PsfModel],
        matched: FrameMatch,
        sources: Sources,
    ) -> "Views":
        """Cut squares round the sources whose core lies in the frame."""
        reach = int(np.ceil(CORE * max(model.fwhm for model in models)))
        half = fft.next_fast_len(int(np.ceil((1 + MARGIN) * reach)))
        x = sources.x + matched.shift_x.at(sources.x, sources.y)
        y = sources.y + matched.shift_y.at(sources.x, sources.y)
        (height, width), rim = planes[0].shape, reach + 1
        inside = (x > rim) & (x < width - 1 - rim) & (y > rim) & (y < height - 1 - rim)
        index = np.flatnonzero(inside)
        x, y = x[index], y[index]
        corners = np.rint(y).astype(int) - half, np.rint(x).astype(int) - half
        pixels, bad = _without_holes(planes, corners, 2 * half, matched.flux_ratio)
        offset = np.arange(-half, half)
        away = np.hypot(offset[:, None], offset[None, :])
        return cls(index, x, y, pixels, bad, np.flatnonzero(away < reach))


def _without_holes(
    planes: tuple[Plane, Plane],
    corners: tuple[NDArray[np.intp], NDArray[np.intp]],
    side: int,
    ratio: float,
) -> tuple[tuple[Float32Image, Float32Image], BoolArray]:
    """Give the pixels there, a bad one taken from the other frame or zero, and which are bad."""
    lost_here, lost_there = (_squares(plane.bad, *corners, side) for plane in planes)
    here, there = (_squares(plane.pixels, *corners, side) for plane in planes)
    bad = lost_here | lost_there
    seen, known = here[bad], there[bad]
    lost_seen, lost_known = lost_here[bad], lost_there[bad]
    scale, zero = np.float32(ratio), np.float32(0)
    here[bad] = np.where(lost_seen, np.where(lost_known, zero, known * scale), seen)
    there[bad] = np.where(lost_known, np.where(lost_seen, zero, seen / scale), known)
    return (here, there), bad


def _squares(image: NDArray, top: NDArray[np.intp], left: NDArray[np.intp], side: int) -> NDArray:
    """Cut squares of a frame; beyond it lies its nearest pixel."""
    height, width = image.shape
    squares = np.empty((len(top), side, side), image.dtype)
    for square, row, column in zip(squares, top, left, strict=True):
        if 0 <= row <= height - side and 0 <= column <= width - side:
            square[:] = image[row : row + side, column : column + side]
        else:
            rows = np.clip(np.arange(row, row + side), 0, height - 1)
            square[:] = image[np.ix_(rows, np.clip(np.arange(column, column + side), 0, width - 1))]
    return squares
