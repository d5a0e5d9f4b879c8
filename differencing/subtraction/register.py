"""One tile of a reference brought to where, and to the shape in which, the science image has it."""

import numpy as np

from differencing.psf.match import FrameMatch
from differencing.psf.polynomial import Polynomial
from differencing.subtraction.noise import Float32Image
from differencing.subtraction.tiles import Tile, looks

TAYLOR_LIMIT = 1e-3  # px or square px; smaller changes within a tile are left alone
STRIP_ROWS = 128  # at a time: more would take room, fewer keep threads waiting for each other
# What the derivatives along x, y, xx and yy are made of: a pixel and those beside it.
ITSELF, RIGHT, LEFT, BELOW, ABOVE = (0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)
DIFFERENCES: tuple[dict[tuple[int, int], float], ...] = (
    {RIGHT: 0.5, LEFT: -0.5},
    {BELOW: 0.5, ABOVE: -0.5},
    {RIGHT: 1.0, LEFT: 1.0, ITSELF: -2.0},
    {BELOW: 1.0, ABOVE: 1.0, ITSELF: -2.0},
)
TWIST = 4  # its place after these

# a field in a window, as the product of (rows, n) and (n, columns)
Factors = tuple[Float32Image, Float32Image]


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
    rows, columns = (window.stop - window.start for window in tile.padded)
    part = reference[:rows, :columns]
    near = np.pad(part, 1, mode="edge")
    changes = _changes(tile, (matched.shift_x, matched.shift_y, *bends))
    shares, twist = _shares(changes), changes.get(TWIST)
    brighter = None
    if matched.flux_change is not None:
        brighter = matched.flux_change.less(-1.0).factors(*tile.padded)
    for top in range(0, rows, STRIP_ROWS):
        strip = slice(top, min(top + STRIP_ROWS, rows))
        around = near[top : strip.stop + 2]
        for (down, along), (y, x) in shares:
            taken = down[strip] @ along
            taken *= around[1 + y : around.shape[0] - 1 + y, 1 + x : around.shape[1] - 1 + x]
            part[strip] -= taken
        if twist is not None:
            taken = twist[0][strip] @ twist[1]
            taken *= twisted(around)
            part[strip] -= taken
        if brighter is not None:
            part[strip] *= brighter[0][strip] @ brighter[1]
    return reference


def twisted(near: Float32Image) -> Float32Image:
    """Give four times the mixed second derivative, without a rim of one pixel."""
    found = near[2:, 2:] - near[2:, :-2]
    found -= near[:-2, 2:]
    found += near[:-2, :-2]
    return found


def _changes(tile: Tile, fields: tuple[Polynomial, ...]) -> dict[int, Factors]:
    """Give the derivatives to take away from a tile by their numbers, and how much of each."""
    found = {}
    for number, field in enumerate(fields):
        down, along = field.factors(*tile.padded)
        # the first column stands for what is constant along the rows
        down[:, 0] -= np.float32(field.at(*tile.centre))
        rows, columns = looks(len(down)), looks(along.shape[1])
        if np.abs(down[rows] @ along[:, columns]).max() > TAYLOR_LIMIT:
            found[number] = (down * np.float32(0.25), along) if number == TWIST else (down, along)
    return found


def _shares(changes: dict[int, Factors]) -> list[tuple[Factors, tuple[int, int]]]:
    """Give how much of each pixel beside a pixel, and of itself, all derivatives but one take."""
    shares = []
    for place in (ITSELF, RIGHT, LEFT, BELOW, ABOVE):
        parts = [
            (down * np.float32(weights[place]), along)
            for number, weights in enumerate(DIFFERENCES)
            if place in weights and number in changes
            for down, along in [changes[number]]
        ]
        if parts:
            downs, alongs = zip(*parts, strict=True)
            shares.append(((np.hstack(downs), np.vstack(alongs)), place))
    return shares
