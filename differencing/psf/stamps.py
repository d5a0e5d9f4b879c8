"""Stamps: small squares of pixels centred on sources to a fraction of a pixel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from differencing.subtraction.noise import BoolArray, FloatArray

MARGIN = 3  # px cut more than kept, so that what the shift wraps round falls outside


@dataclass(frozen=True)
class Stamps:
    """``n`` stamps of side ``2 * half + 1``; ``good`` is False where a pixel is not to be used."""

    pixels: NDArray[np.float64]
    good: BoolArray

    def chosen(self, index: BoolArray) -> "Stamps":
        """Give the stamps at ``index``."""
        return Stamps(self.pixels[index], self.good[index])


def radii(half: int) -> NDArray[np.float64]:
    """Give the distance of every pixel of a stamp from its centre, px."""
    offset = np.arange(-half, half + 1)
    return np.hypot(offset[:, None], offset[None, :])


def cut_stamps(
    pixels: FloatArray, bad: BoolArray, x: FloatArray, y: FloatArray, *, half: int
) -> Stamps:
    """Cut stamps centred on sub-pixel positions, by a shift in Fourier space.

    Parameters
    ----------
    pixels, bad : (ny, nx) arrays
        Finite everywhere; ``bad`` marks pixels not to be used.
    x, y : (n,) arrays
        Centres in px. Parts of a stamp beyond the frame are zero and not good.
    half : int
        Half width of the stamps, px.
    """
    reach = half + MARGIN
    column, row = np.rint(x).astype(int), np.rint(y).astype(int)
    good = ~_squares(bad, row, column, reach, beyond=True)
    cut = _mended(_squares(pixels, row, column, reach, beyond=0), good)
    moved = shift_stamps(cut, x - column, y - row)
    keep = slice(MARGIN, -MARGIN)
    return Stamps(
        moved[:, keep, keep], _eroded(good)[:, MARGIN - 1 : 1 - MARGIN, MARGIN - 1 : 1 - MARGIN]
    )


def _squares(
    image: NDArray, row: NDArray[np.intp], column: NDArray[np.intp], reach: int, *, beyond: float
) -> NDArray:
    """Cut squares around whole pixels, one by one: far quicker than by an index of every pixel."""
    side = 2 * reach + 1
    squares = np.full((len(row), side, side), beyond, image.dtype)
    for square, top, left in zip(squares, row - reach, column - reach, strict=True):
        part = image[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
        down, along = max(-top, 0), max(-left, 0)
        square[down : down + part.shape[0], along : along + part.shape[1]] = part
    return squares


def _eroded(good: BoolArray) -> BoolArray:
    """Mark what has only good pixels around: a shifted pixel mixes its neighbours. 1 px is lost."""
    down = good[:, :-2] & good[:, 1:-1] & good[:, 2:]
    eroded: BoolArray = down[..., :-2] & down[..., 1:-1] & down[..., 2:]
    return eroded


def _mended(cut: FloatArray, good: BoolArray) -> FloatArray:
    """Fill bad pixels with those across the centre, or with sky: the shift would spread them."""
    across, usable = cut[:, ::-1, ::-1], good[:, ::-1, ::-1]
    return np.where(good, cut, np.where(usable, across, 0.0))


def shift_stamps(stamps: FloatArray, dx: FloatArray, dy: FloatArray) -> NDArray[np.float64]:
    """Move the point at centre + (dx, dy) of each of the (n, k, k) stamps, k odd, to its centre."""
    down, along = (
        shift_matrices(np.asarray(by, float), stamps.shape[-1]).astype(stamps.dtype, copy=False)
        for by in (dy, dx)
    )
    return np.asarray(down @ stamps @ along.swapaxes(1, 2), np.float64)


def shift_matrices(
    distance: FloatArray, size: int, *, derivative: bool = False
) -> NDArray[np.float64]:
    """Give what moves columns of ``size`` values, odd, by each of ``n`` distances towards 0.

    It is the shift in Fourier space, written as a matrix: a few small matrix products cost a
    quarter of the transforms of stamps whose side is a prime.

    Parameters
    ----------
    distance : (n,) array
        px.
    derivative : bool
        Whether the moved values' change per px is wanted in their place.

    Returns
    -------
    (n, size, size) array
    """
    step = np.arange(size)
    # the value at a place counts for those before and after, on a circle
    offset = (step + size // 2) % size - size // 2
    places = offset + distance[:, None]
    known = places != 0
    angle = np.pi * places
    sine = np.sin(angle / size, where=known, out=np.ones_like(angle))
    wave = np.where(known, np.sin(angle) / (size * sine), 1.0)
    if derivative:
        wave = np.pi / size * (np.cos(angle) - wave * np.cos(angle / size)) / sine
    return wave[:, (step[:, None] - step) % size]
