"""Cutting a frame of any size into square tiles that overlap."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Window = tuple[slice, slice]

STRIP_PX = 2**17  # at a time: more would take room, fewer keep threads waiting for each other
LOOKS = 9  # along each side of a tile, at which a smooth change is looked for


@dataclass(frozen=True)
class Tile:
    """One square of ``side`` px; its ``core`` is kept, the rest is border."""

    padded: Window  # in the frame: core and border, cut at the frame's edge
    core: Window  # in the frame
    inner: Window  # the core within the square
    side: int

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the core (x, y), px in the frame."""
        rows, columns = self.core
        return (columns.start + columns.stop - 1) / 2, (rows.start + rows.stop - 1) / 2

    def square(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cut the padded window of ``image`` and fill it up to the square with zeros."""
        part = image[self.padded]
        filled = np.zeros((self.side, self.side), np.float32)
        filled[: part.shape[0], : part.shape[1]] = part
        return filled


def plan_tiles(shape: tuple[int, int], *, core: int, border: int) -> Iterator[Tile]:
    """Cover a frame with tiles whose cores are about equal and at most ``core`` px wide.

    Parameters
    ----------
    shape : (ny, nx)
    core : int
        Largest side of the kept part, px.
    border : int
        Width of the overlap on each side, px. Beyond the frame there is only zero, and a
        cyclic transform of a square without that margin would wrap sources round.
    """
    rows, columns = (_cuts(size, core) for size in shape)
    widest = max(np.diff(rows).max(), np.diff(columns).max())
    # twice a fast length: an even side keeps the half plane of the real transform simple
    side = 2 * int(fft.next_fast_len(-(-(int(widest) + 2 * border) // 2), real=True))
    for top, bottom in itertools.pairwise(rows):
        for left, right in itertools.pairwise(columns):
            yield _tile((int(top), int(bottom)), (int(left), int(right)), shape, border, side)


def whole_frame(shape: tuple[int, int]) -> Tile:
    """Give a frame as one tile."""
    return next(iter(plan_tiles(shape, core=max(shape), border=0)))


def strips(shape: tuple[int, ...]) -> Iterator[slice]:
    """Cut the rows of a frame, or of a part of it, into strips."""
    height, width = shape
    rows = max(1, STRIP_PX // width)
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


def looks(size: int) -> NDArray[np.intp]:
    """Give the places along a side of ``size`` px at which a smooth change is looked for."""
    return np.linspace(0, size - 1, LOOKS).astype(np.intp)


def _cuts(size: int, core: int) -> NDArray[np.int64]:
    count = -(-size // core)
    return np.linspace(0, size, count + 1).round().astype(np.int64)


def _tile(
    rows: tuple[int, int], columns: tuple[int, int], shape: tuple[int, int], border: int, side: int
) -> Tile:
    padded, core, inner = [], [], []
    for (low, high), size in zip((rows, columns), shape, strict=True):
        start = max(0, low - border)
        padded.append(slice(start, min(size, high + border)))
        core.append(slice(low, high))
        inner.append(slice(low - start, high - start))
    return Tile((padded[0], padded[1]), (core[0], core[1]), (inner[0], inner[1]), side)
