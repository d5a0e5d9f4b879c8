"""Overlapping tiles that cover a frame."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Tile:
    """One tile of a frame.

    Attributes
    ----------
    padded : (slice, slice)
        What goes in: the core and its surroundings, rows and columns of the frame.
    core : (slice, slice)
        What is kept, in the frame.
    inner : (slice, slice)
        What is kept, in the tile.
    """

    padded: tuple[slice, slice]
    core: tuple[slice, slice]
    inner: tuple[slice, slice]


def plan_tiles(shape: tuple[int, int], *, core: int, margin: int) -> Iterator[Tile]:
    """Cover a frame with tiles whose cores do not overlap.

    Parameters
    ----------
    shape : (ny, nx)
        Of the frame, px.
    core, margin : int
        Side of a core and what is added on every side that has a neighbour, px. With both
        multiples of the network's stride, tiles see the same pooling grid as the whole frame.

    Raises
    ------
    ValueError
        If ``core`` is not positive or ``margin`` is negative.
    """
    if core < 1 or margin < 0:
        raise ValueError(f"core {core} px and margin {margin} px: a tile needs at least one pixel")
    for top in range(0, shape[0], core):
        for left in range(0, shape[1], core):
            rows = _along(top, shape[0], core, margin)
            columns = _along(left, shape[1], core, margin)
            yield Tile(*zip(rows, columns, strict=True))


def _along(start: int, length: int, core: int, margin: int) -> tuple[slice, slice, slice]:
    """Give padded, core and inner range along one axis."""
    stop = min(start + core, length)
    low, high = max(0, start - margin), min(length, stop + margin)
    return slice(low, high), slice(start, stop), slice(start - low, stop - low)
