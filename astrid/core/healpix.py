"""HEALPix cells, and the ranges of them that cover a circle or many.

A cell is the order-29 nested one, 0.4 milliarcseconds wide. Positions are degrees ICRS.

Reference: Górski et al. 2005, ApJ 622, 759.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

# Its public functions take and give astropy quantities, which costs 15 times what they do.
from cdshealpix import cdshealpix as compiled

from astrid.core.healsquare import square_ranges

ORDER = 29
WHOLE_SKY: int = 12 * 4**ORDER  # cells
# Two more orders are looked into for what may be left out of the edge.
REFINED = 2
MOST_ORDER = ORDER - REFINED
MOST_RANGES = 24
# A cell of order 0 is as wide as a circle of this radius, degrees.
WIDTH_DEG = 58.6
# From an edge of a cell of order 0 to the one across it is further than this; halved per order.
NARROWEST_DEG = 40.0
# Up to here wide cells do, and few ranges; beyond, rows that are no hits cost more than ranges.
SMALL_DEG = 0.1
# Up to here a square of cells does.
TINY_DEG = 1 / 30

Ranges = list[tuple[int, int]]
Cells = npt.NDArray[np.int64]


def healpix(ra: npt.ArrayLike, dec: npt.ArrayLike) -> Cells:
    """Give the cell of each position.

    Parameters
    ----------
    ra, dec : (n,) array_like
        Degrees.

    Returns
    -------
    (n,) int64 array
    """
    lon, lat = (np.radians(np.atleast_1d(np.asarray(angle, float))) for angle in (ra, dec))
    cells = np.empty(lon.shape, np.uint64)
    orders = np.full(lon.shape, ORDER, np.uint8)
    offsets = np.empty(lon.shape), np.empty(lon.shape)
    compiled.lonlat_to_healpix(orders, lon, lat, cells, *offsets, np.uint16(1))
    return cells.astype(np.int64)


def cone_ranges(ra: float, dec: float, radius_deg: float) -> Ranges:
    """Cover a circle with ranges (first, last) of cells, never missing a piece of it."""
    square = square_ranges(ra, dec, radius_deg) if radius_deg <= TINY_DEG else None
    return _refined_ranges(ra, dec, radius_deg) if square is None else square


def _refined_ranges(ra: float, dec: float, radius_deg: float) -> Ranges:
    """Cover a circle with cells that become smaller towards its edge."""
    finer = 1 if radius_deg > SMALL_DEG else 0
    order = max(0, min(MOST_ORDER, finer + _order_of(radius_deg)))
    # A hair wider: the covering works in its own rounding, the exact test in another.
    wider = radius_deg * (1 + 1e-9) + 1e-9
    cells, orders, _inside = compiled.cone_search(
        np.uint8(order), np.uint8(REFINED), *map(_radians, (ra, dec, wider)), False
    )
    shift = 2 * (ORDER - orders.astype(np.int64))
    first = cells.astype(np.int64) << shift
    last = ((cells.astype(np.int64) + 1) << shift) - 1
    return fewer(sorted(zip(first.tolist(), last.tolist(), strict=True)), MOST_RANGES)


def _order_of(radius_deg: float) -> int:
    """Give the order at which a cell is about as wide as a circle."""
    return math.floor(math.log2(WIDTH_DEG / max(radius_deg, 1e-9)))


def _radians(angle_deg: float) -> np.float64:
    return np.float64(math.radians(angle_deg))


def cells_around(cells: Cells, order: int) -> Cells:
    """Give each cell of an order with those next to it, (n, 9); -1 where there is no eighth."""
    around = np.empty((cells.size, 9), np.int64)
    compiled.neighbours(order, cells.astype(np.uint64), around, np.uint16(1))
    return around


def ranges_round(
    ra: npt.ArrayLike, dec: npt.ArrayLike, radius_deg: float, *, finest: int = ORDER
) -> Ranges:
    """Cover circles of one radius round many positions with sorted ranges of cells.

    Each circle is covered by the cell of its centre and the eight around that, at an order at
    which none is narrower than the circle's radius, and which is ``finest`` at most.
    """
    order = max(0, min(finest, math.floor(math.log2(NARROWEST_DEG / max(radius_deg, 1e-9)))))
    around = cells_around(np.unique(healpix(ra, dec) >> 2 * (ORDER - order)), order)
    cells = np.unique(around[around >= 0])
    shift = 2 * (ORDER - order)
    return [(cell << shift, ((cell + 1) << shift) - 1) for cell in cells.tolist()]


def fewer(ranges: Sequence[tuple[int, int]], most: int) -> Ranges:
    """Join sorted ranges across their smallest gaps until at most ``most`` are left."""
    gaps = sorted(b[0] - a[1] for a, b in pairwise(ranges))
    return joined(ranges, gaps[-most] if len(gaps) >= most else 1)


def joined(ranges: Sequence[tuple[int, int]], gap: int) -> Ranges:
    """Join sorted ranges of which one begins at most ``gap`` cells after the end of another."""
    if not ranges:
        return []
    ends = np.array(ranges, np.int64)
    apart = np.flatnonzero(ends[1:, 0] - ends[:-1, 1] > max(1, gap))
    first = ends[np.concatenate([[0], apart + 1]), 0]
    last = ends[np.concatenate([apart, [len(ends) - 1]]), 1]
    return list(zip(first.tolist(), last.tolist(), strict=True))
