"""Sums along all straight lines of an image, in n^2 log n additions."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class Line:
    """A straight line through an image, from ``(y0, x0)`` to ``(y1, x1)``, in its pixels."""

    y0: float
    x0: float
    y1: float
    x1: float

    @property
    def is_steep(self) -> bool:
        """Whether it passes more rows than columns."""
        return abs(self.y1 - self.y0) >= abs(self.x1 - self.x0)

    def scaled(self, factor: int, top: int, left: int) -> "Line":
        """Give the line in the pixels that were binned ``factor`` by ``factor`` from a window."""
        shift = (factor - 1) / 2
        y0, y1 = (value * factor + shift + top for value in (self.y0, self.y1))
        x0, x1 = (value * factor + shift + left for value in (self.x0, self.x1))
        return Line(y0, x0, y1, x1)


def line_sums(image: Pixels) -> Iterator[tuple[Pixels, "Quadrant"]]:
    """Give the sums along lines, in four quadrants of slopes that together hold every slope.

    Parameters
    ----------
    image : (ny, nx) float32 array
        Finite.

    Yields
    ------
    sums : (n, m) array
        One row per slope, one column per offset; lines leave the image where they like.
    quadrant : Quadrant
        Turns the place of a sum into a line.

    References
    ----------
    Brady 1998, SIAM J. Comput. 27, 107; Nir, Zackay & Ofek 2018, AJ 156, 229 (streaks).
    """
    for is_transposed in (False, True):
        for is_flipped in (False, True):
            turned = image.T if is_transposed else image
            turned = turned[:, ::-1] if is_flipped else turned
            yield quadrant_sums(turned), Quadrant(image.shape, is_transposed, is_flipped)


@dataclass(frozen=True)
class Quadrant:
    """How an image was turned before its lines were summed."""

    shape: tuple[int, ...]
    is_transposed: bool
    is_flipped: bool

    def line(self, slope: int, offset: int) -> Line:
        """Give the line behind a place in the sums, in pixels of the image."""
        rows, columns = self.shape[::-1] if self.is_transposed else self.shape
        size = power_of_two(rows)
        start = float(offset - size)
        end = start + slope * (rows - 1) / (size - 1)
        if self.is_flipped:
            start, end = columns - 1 - start, columns - 1 - end
        if self.is_transposed:
            return Line(start, 0.0, end, rows - 1.0)
        return Line(0.0, start, rows - 1.0, end)


def quadrant_sums(image: Pixels) -> Pixels:
    """Sum along the lines that move 0 to n - 1 columns to the right over n rows, n a power of 2.

    Pairs of strips are joined until one is left: a line over both is a line over the first and
    one over the second, which starts where the first ended.
    """
    rows, columns = image.shape
    size = power_of_two(rows)
    strips = np.zeros((size, 1, size + columns), np.float32)
    strips[:rows, 0, size:] = image
    while len(strips) > 1:
        strips = joined(strips)
    return np.asarray(strips[0])


def joined(strips: Pixels) -> Pixels:
    """Join pairs of strips into strips of twice the height with twice the slopes."""
    count, slopes, width = strips.shape
    whole = np.empty((count // 2, 2 * slopes, width), np.float32)
    for slope in range(2 * slopes):
        step = (slope + 1) // 2
        first, second = strips[0::2, slope // 2], strips[1::2, slope // 2]
        np.add(first[:, : width - step], second[:, step:], out=whole[:, slope, : width - step])
        whole[:, slope, width - step :] = first[:, width - step :]
    return whole


def power_of_two(number: int) -> int:
    """Give the least power of two that is not below ``number``, and 2 at least."""
    return 1 << max(1, (number - 1).bit_length())
