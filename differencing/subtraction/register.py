"""One tile of a reference brought to where, and to the shape in which, the science image has it."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from differencing.psf.match import FrameMatch
from differencing.psf.polynomial import Polynomial
from differencing.subtraction.noise import Float32Image
from differencing.subtraction.tiles import Tile

Derivative = Callable[[Float32Image], Float32Image]

TAYLOR_LIMIT = 1e-3  # px or square px; smaller changes within a tile are left alone
LOOKS = 9  # along each side of a tile, at which a change is looked for
STRIP_ROWS = 64  # at a time, so that they stay in the processor's cache


def slope_x(near: Float32Image) -> Float32Image:
    """Give twice the derivative per px along the rows, without a rim of one pixel."""
    return near[1:-1, 2:] - near[1:-1, :-2]


def slope_y(near: Float32Image) -> Float32Image:
    """Give twice the derivative per px down the columns, without a rim of one pixel."""
    return near[2:, 1:-1] - near[:-2, 1:-1]


def bend_x(near: Float32Image) -> Float32Image:
    """Give the second derivative along the rows, without a rim of one pixel."""
    bend = near[1:-1, 2:] + near[1:-1, :-2]
    bend -= near[1:-1, 1:-1]
    bend -= near[1:-1, 1:-1]
    return bend


def bend_y(near: Float32Image) -> Float32Image:
    """Give the second derivative down the columns, without a rim of one pixel."""
    bend = near[2:, 1:-1] + near[:-2, 1:-1]
    bend -= near[1:-1, 1:-1]
    bend -= near[1:-1, 1:-1]
    return bend


def twist(near: Float32Image) -> Float32Image:
    """Give four times the mixed second derivative, without a rim of one pixel."""
    twisted = near[2:, 2:] - near[2:, :-2]
    twisted -= near[:-2, 2:]
    twisted += near[:-2, :-2]
    return twisted


SLOPES: tuple[tuple[Derivative, float], ...] = ((slope_x, 0.5), (slope_y, 0.5))
BENDS: tuple[tuple[Derivative, float], ...] = ((bend_x, 1.0), (bend_y, 1.0), (twist, 0.25))


def register(
    reference: Float32Image,
    tile: Tile,
    matched: FrameMatch,
    bends: tuple[Polynomial, ...] = (),
) -> Float32Image:
    """Take up, to first order, how the match within ``tile`` differs from that of its centre.

    That of the centre itself is applied in Fourier space. Where the flux ratio changes over the
    frame, the reference is scaled to the typical one.

    Parameters
    ----------
    reference : (side, side) float32 array
        The tile's square; changed in place.
    tile : Tile
    matched : FrameMatch
    bends : tuple of Polynomial, optional
        How much of the second derivatives (xx, yy, xy) to take away, square px; see
        :func:`differencing.subtraction.bending.bends_of`.

    Returns
    -------
    (side, side) float32 array
        ``reference``.
    """
    rows, columns = (np.arange(window.start, window.stop) for window in tile.padded)
    part = reference[: len(rows), : len(columns)]
    near = np.pad(part, 1, mode="edge")
    brighter = [] if matched.flux_change is None else [matched.flux_change.less(-1.0)]
    scales = [field.factors(rows, columns) for field in brighter]
    terms = list(_changes(tile, (matched.shift_x, matched.shift_y, *bends)))
    for top in range(0, len(rows), STRIP_ROWS):
        strip = slice(top, top + STRIP_ROWS)
        for derivative, down, along in terms:
            step = derivative(near[top : top + STRIP_ROWS + 2])
            step *= down[strip] @ along
            part[strip] -= step
        for down, along in scales:
            part[strip] *= down[strip] @ along
    return reference


def _changes(
    tile: Tile, fields: tuple[Polynomial, ...]
) -> Iterator[tuple[Derivative, NDArray[np.float32], NDArray[np.float32]]]:
    """Give the derivatives to take away from a tile, and how much, as two factors of a product."""
    rows, columns = (np.arange(window.start, window.stop) for window in tile.padded)
    few = tuple(np.linspace(side[0], side[-1], LOOKS) for side in (rows, columns))
    for (derivative, scale), field in zip((*SLOPES, *BENDS), fields, strict=False):
        change = field.less(float(field.at(*tile.centre)))
        if np.abs(change.on_grid(*few)).max() > TAYLOR_LIMIT:
            down, along = change.factors(rows, columns)
            yield derivative, down * np.float32(scale), along
