"""Overlapping tiles that cover a frame, all of one shape."""

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


def plan_tiles(
    shape: tuple[int, int], *, core: int, margin: int, stride: int = 1
) -> Iterator[Tile]:
    """Cover a frame with tiles of one shape whose cores do not overlap.

    One shape for all of a frame, so that the runtime plans its memory once. Tiles at the border
    end with the frame and reach no farther in than the others, so nothing is invented outside.

    Parameters
    ----------
    shape : (ny, nx)
        Of the frame, px, multiples of ``stride``.
    core, margin : int
        Largest side of a core between two others and what is added on every side that has a
        neighbour, px. With all of them multiples of ``stride``, tiles see the same pooling grid as
        the whole frame.
    stride : int
        Of the network, px.

    Raises
    ------
    ValueError
        If ``core`` is not positive or ``margin`` is negative, or a length is no multiple of
        ``stride``.
    """
    if core < 1 or margin < 0:
        raise ValueError(f"core {core} px and margin {margin} px: a tile needs at least one pixel")
    if any(length % stride for length in (*shape, core, margin)):
        raise ValueError(
            f"frame {shape}, core {core} and margin {margin} px must be multiples of {stride}"
        )
    for rows in _along(shape[0], core, margin, stride):
        for columns in _along(shape[1], core, margin, stride):
            yield Tile(*zip(rows, columns, strict=True))


def _along(
    length: int, core: int, margin: int, stride: int
) -> Iterator[tuple[slice, slice, slice]]:
    """Give padded, core and inner range of each tile along one axis."""
    between = max(length - 2 * margin, 1)  # the first and the last tile keep a margin more
    number = -(-between // core)
    step = -(-between // (number * stride)) * stride
    side = min(length, step + 2 * margin)
    for index in range(number):
        low = min(index * step, length - side)
        start = index * step + margin if index else 0
        stop = (index + 1) * step + margin if index + 1 < number else length
        yield slice(low, low + side), slice(start, stop), slice(start - low, stop - low)
