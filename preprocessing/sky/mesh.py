"""Clipped statistics of the cells of a mesh, and the smooth surface through them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import CubicSpline

Pixels = NDArray[np.float32]
Bools = NDArray[np.bool_]
Floats = NDArray[np.floating]

MAD_TO_SIGMA = 1.4826  # 1 / Phi^-1(3/4)
SMALLEST_CELL_PX = 16
CLIP_SIGMA, CLIP_ROUNDS = 3.0, 3
# A Gaussian cut off at k = 3 sigma has the variance 1 - 2 k phi(k) / P(|x| < k) = 0.9733.
CUT_GAUSSIAN_SIGMA = 0.98658
# The mode of a skewed sky is 2.5 median - 1.5 mean, unless crowding skews it beyond any use.
MOST_SKEW = 0.3
# How far from the median, in units of mean less median: that mode, and the mean.
TO_MODE, TO_MEAN = -1.5, 1.0
# The error of that mode, over that of the mean: var = 2.5^2 pi/2 + 1.5^2 - 2 * 2.5 * 1.5.
MODE_ERROR = 2.13
CHANCE_SIGMA = 3.0


@dataclass(frozen=True, eq=False)
class Surface:
    """A smooth surface, as the product of a few columns and a few rows.

    Attributes
    ----------
    down : (ny, k) float32 array
    along : (k, nx) float32 array
    least : float
        The surface is lifted to this where it lies lower.
    """

    down: Pixels
    along: Pixels
    least: float = -np.inf

    def rows(self, window: slice) -> Pixels:
        """Give some rows of the surface, all columns."""
        down = self.down[window]
        used = down.any(axis=0)  # of splines that end, few reach into a window
        part = down[:, used] @ self.along[used]
        return part if self.least == -np.inf else np.maximum(part, np.float32(self.least), out=part)

    def window(self, rows: slice, columns: slice) -> Pixels:
        """Give a window of the surface."""
        return Surface(self.down, self.along[:, columns], self.least).rows(rows)

    def whole(self) -> Pixels:
        """Give the surface at every pixel."""
        return self.rows(slice(None))

    def at(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Pixels:
        """Give the surface at single pixels."""
        level = np.einsum("nk,kn->n", self.down[rows], self.along[:, columns])
        return np.asarray(np.maximum(level, np.float32(self.least)))

    def middle(self) -> float:
        """Give the median, from every eighth pixel of every eighth row."""
        return float(np.median(self.thin()))

    def spread(self) -> float:
        """Give the 98th less the 2nd percentile, from every eighth pixel of every eighth row."""
        return float(np.subtract(*np.percentile(self.thin(), [98, 2])))

    def thin(self) -> Pixels:
        """Give every eighth pixel of every eighth row."""
        return Surface(self.down[::8], self.along[:, ::8], self.least).whole()


@dataclass(frozen=True)
class Mesh:
    """Cells of equal size, in blocks of pixels; the last ones may be cut short.

    Attributes
    ----------
    blocks : (int, int)
        Rows and columns of blocks in the frame.
    cell : (int, int)
        Rows and columns of blocks in a cell.
    """

    blocks: tuple[int, int]
    cell: tuple[int, int]

    @classmethod
    def over(cls, blocks: tuple[int, int], *, cell_px: int, block_px: int) -> "Mesh":
        """Divide a frame evenly into cells near ``cell_px`` on a side."""
        sides = [even_cell(count, cell_px, block_px) for count in blocks]
        return cls(blocks, (sides[0], sides[1]))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        return -(-self.blocks[0] // self.cell[0]), -(-self.blocks[1] // self.cell[1])

    def cells(self, values: NDArray) -> NDArray:
        """Give the values of each cell as a row; cells cut short are filled up with NaN or zero."""
        (rows, columns), (height, width) = self.shape, self.cell
        if values.shape != (rows * height, columns * width):
            empty = np.nan if values.dtype.kind == "f" else 0
            whole = np.full((rows * height, columns * width), empty, values.dtype)
            whole[: values.shape[0], : values.shape[1]] = values
            values = whole
        split = values.reshape(rows, height, columns, width).swapaxes(1, 2)
        return split.reshape(rows * columns, height * width)

    @cached_property
    def sizes(self) -> NDArray:
        """Blocks in each cell."""
        return np.asarray(self.cells(np.ones(self.blocks, np.uint8)).sum(axis=1))

    @cached_property
    def block_weights(self) -> tuple[Floats, Floats]:
        """Weight of each row of cells in each row of blocks, and the same for columns."""
        down, along = self.weights(*(np.arange(float(count)) for count in self.blocks))
        return down, along

    def weights(self, rows: Floats, columns: Floats) -> tuple[Floats, Floats]:
        """Give the weight of each row of cells at ``rows``, in blocks; the same for columns."""
        down, along = self.centres()
        return spline_weights(down, rows), spline_weights(along, columns)

    def centres(self) -> tuple[Floats, Floats]:
        """Give the rows and columns of the middles of the cells, in blocks."""
        down, along = (
            np.array([(low + min(low + side, count) - 1) / 2 for low in range(0, count, side)])
            for count, side in zip(self.blocks, self.cell, strict=True)
        )
        return down, along


def even_cell(blocks: int, cell_px: int, block_px: int) -> int:
    """Give the side of a cell, in blocks, that leaves no sliver at the frame's end."""
    cells = max(1, round(blocks * block_px / cell_px))
    return max(SMALLEST_CELL_PX // block_px, -(-blocks // cells))


def clipped_cells(values: Floats, *, of_mean: float = TO_MODE) -> tuple[Floats, Floats]:
    """Give mode (or mean) and scatter of each row, clipped at 3 sigma; NaN is left out.

    Rows without a finite value give NaN.

    References
    ----------
    Bertin & Arnouts 1996, A&AS 117, 393 (mode of a crowded sky).
    """
    ordered = np.sort(values, axis=1).astype(np.float32, copy=False)
    count = np.isfinite(ordered).sum(axis=1)
    first = np.zeros_like(count)
    median, low = order_statistic(ordered, first, count, 0.5), first
    # sources lift the upper half only
    sigma = median - order_statistic(ordered, first, count, 0.1587)
    for _ in range(CLIP_ROUNDS):
        # in single precision: one array of doubles would turn all that is compared into them
        reach = np.asarray(CLIP_SIGMA * sigma, np.float32)[:, None]
        kept = np.abs(ordered - median[:, None]) <= reach
        count, low = kept.sum(axis=1), kept.argmax(axis=1)
        median = order_statistic(ordered, low, count, 0.5)
        offset = np.where(kept, ordered - median[:, None], np.float32(0))
        mean = offset.sum(axis=1) / np.maximum(count, 1)
        square = np.einsum("ij,ij->i", offset, offset) / np.maximum(count, 1)
        sigma = np.sqrt(np.maximum(square - mean**2, 0)) / CUT_GAUSSIAN_SIGMA
    skewed = np.abs(mean) > MOST_SKEW * sigma
    return np.where(skewed, median, median + of_mean * mean), sigma


def clipped_scatter(values: Floats, sigma: Floats) -> Floats:
    """Give the scatter about zero of each row, clipped at 3 sigma, from a first guess of it."""
    square = values * values
    for _ in range(CLIP_ROUNDS):
        # NaN is not below anything
        kept = square < np.asarray((CLIP_SIGMA * sigma) ** 2, values.dtype)[:, None]
        count = kept.sum(axis=1)
        mean = np.where(kept, square, 0).sum(axis=1) / np.maximum(count, 1)
        sigma = np.where(count > 0, np.sqrt(mean) / CUT_GAUSSIAN_SIGMA, sigma)
    return sigma


def order_statistic(ordered: Floats, low: NDArray, count: NDArray, share: float) -> Floats:
    """Give the value below which ``share`` of ``count`` sorted values from ``low`` on lie."""
    last = np.maximum(count - 1, 0)
    place = low + share * last
    below = np.floor(place).astype(int)
    rows = np.arange(len(ordered))
    part = (place - below).astype(np.float32)
    above = np.minimum(below + 1, low + last)
    return np.asarray(ordered[rows, below] * (1 - part) + ordered[rows, above] * part)


def fill_cells(values: Floats, known: Bools) -> Floats:
    """Give unknown cells the value of the nearest known one."""
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    return np.asarray(values[tuple(nearest)])


def median_of_cells(values: Floats) -> Floats:
    """Give the median of 3x3 cells."""
    return np.asarray(ndimage.median_filter(values, 3, mode="nearest"))


def smoothed_cells(values: Floats, error: Floats, peak: Floats) -> Floats:
    """Give the median of 3x3 cells where a cell differs from it by chance, or stands above it.

    Light that was not found lifts single cells by ``peak`` and more. A median everywhere would
    cut off the corners of a sky that is not flat.

    Parameters
    ----------
    values, error, peak : (rows, columns) arrays
        Level of each cell, its 1-sigma error, and what is too high above the cells beside.
    """
    smooth = median_of_cells(values)
    above = values - smooth
    usual = MAD_TO_SIGMA * float(np.median(np.abs(above)))
    lit = above > np.maximum(CLIP_SIGMA * usual, peak)
    return np.where((np.abs(above) < CHANCE_SIGMA * error) | lit, smooth, values)


def spline_weights(centres: Floats, places: Floats) -> Floats:
    """Give the weight of each cell at each place: natural cubic spline, straight beyond it."""
    if len(centres) == 1:
        return np.ones((len(places), 1))
    spline = CubicSpline(centres, np.eye(len(centres)), bc_type="natural")
    inside = np.clip(places, centres[0], centres[-1])
    return np.asarray(spline(inside) + spline(inside, 1) * (places - inside)[:, None])
