"""A frame in blocks of pixels: what single pixels drown in noise, their means show."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]
Bools = NDArray[np.bool_]

BLOCK_PX = 4
# The pixels of a block that stand for its noise; where a frame has few good ones, all of them.
SAMPLED = ((0, 0), (0, 2), (2, 0), (2, 2))
ALL = tuple((y, x) for y in range(BLOCK_PX) for x in range(BLOCK_PX))
FEW_GOOD = 2**18
STRIP_BLOCKS = 32


@dataclass(frozen=True, eq=False)
class Blocks:
    """Means of the whole blocks of 4 x 4 pixels of a frame, and some of their pixels.

    Attributes
    ----------
    means : (by, bx) float32 array
        Of the usable pixels; 0 where there are none.
    counts : (by, bx) uint8 array
        Usable pixels in each.
    sample : (n, by, bx) float32 array
        Single pixels of each block, NaN where unusable.
    """

    means: Pixels
    counts: NDArray[np.integer]
    sample: Pixels

    @cached_property
    def usable(self) -> Bools:
        """Blocks with half as many usable pixels as most have that hold any."""
        filled = self.counts[self.counts > 0]
        return np.asarray(self.counts >= max(1, np.median(filled) / 2 if filled.size else 1))

    @classmethod
    def of(cls, values: Pixels, unusable: Bools) -> "Blocks":
        """Divide a frame; pixels beyond the last whole block are left out."""
        height, width = (side // BLOCK_PX for side in values.shape)
        values = values[: height * BLOCK_PX, : width * BLOCK_PX]
        means = block_sums(values) / np.float32(BLOCK_PX**2)
        counts = np.full(means.shape, BLOCK_PX**2, np.uint8)
        rows, columns = np.divmod(np.flatnonzero(unusable), unusable.shape[1])
        spoiled = np.unique(
            (rows // BLOCK_PX * width + columns // BLOCK_PX)[
                (rows < height * BLOCK_PX) & (columns < width * BLOCK_PX)
            ]
        )
        where = np.divmod(spoiled, width)
        means[where], counts[where] = mean_of_good(values, unusable, *where)
        places = SAMPLED if unusable.size - len(rows) > FEW_GOOD else ALL
        sample = np.stack([values[y::BLOCK_PX, x::BLOCK_PX] for y, x in places])
        lost = np.stack([unusable[y::BLOCK_PX, x::BLOCK_PX][:height, :width] for y, x in places])
        sample[lost] = np.nan
        return cls(means, counts, sample)


def block_sums(values: Pixels) -> Pixels:
    """Give the sum of each block of a frame of whole blocks."""
    sums = np.empty([side // BLOCK_PX for side in values.shape], np.float32)
    for top in range(0, len(sums), STRIP_BLOCKS):
        strip = values[top * BLOCK_PX : (top + STRIP_BLOCKS) * BLOCK_PX]
        down = strip[::BLOCK_PX] + strip[1::BLOCK_PX]
        for row in range(2, BLOCK_PX):
            down += strip[row::BLOCK_PX]
        part = sums[top : top + STRIP_BLOCKS]
        np.add(down[:, ::BLOCK_PX], down[:, 1::BLOCK_PX], out=part)
        for column in range(2, BLOCK_PX):
            part += down[:, column::BLOCK_PX]
    return sums


def mean_of_good(
    values: Pixels, unusable: Bools, rows: NDArray[np.integer], columns: NDArray[np.integer]
) -> tuple[Pixels, NDArray[np.integer]]:
    """Give the mean of the usable pixels of some blocks, and their number."""
    step = np.arange(BLOCK_PX)
    y = rows[:, None, None] * BLOCK_PX + step[:, None]
    x = columns[:, None, None] * BLOCK_PX + step
    good = ~unusable[y, x]
    total = np.where(good, values[y, x], np.float32(0)).sum(axis=(1, 2))
    count = good.sum(axis=(1, 2))
    return np.asarray(total / np.maximum(count, 1), np.float32), count


def pair_means(values: Pixels) -> Pixels:
    """Give the mean of each whole square of 2 x 2 values."""
    rows, columns = (side // 2 * 2 for side in values.shape)
    down = values[0:rows:2, :columns] + values[1:rows:2, :columns]
    return np.asarray((down[:, ::2] + down[:, 1::2]) / 4)


def beside(marked: Bools) -> Bools:
    """Mark the eight neighbours of marked places, too."""
    wide = marked.copy()
    wide[1:] |= marked[:-1]
    wide[:-1] |= marked[1:]
    grown = wide.copy()
    grown[:, 1:] |= wide[:, :-1]
    grown[:, :-1] |= wide[:, 1:]
    return grown
