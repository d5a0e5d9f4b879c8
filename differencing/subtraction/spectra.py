"""Transforms of a square and of small stamps on it, a few rows at a time."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from differencing.subtraction.noise import Float32Image

Spectrum = NDArray[np.complex64]
Rows = slice

STRIP_ROWS = 96  # at a time: more would take room, fewer keep threads waiting for each other


class ThinSpectrum:
    """The transform of a small, centred stamp on a large grid of even side.

    Thin matrix products make it. Of the rows k and -k, one is what the other is with the opposite
    sine.
    """

    def __init__(self, stamp: NDArray[np.floating], side: int) -> None:
        self.cosine, self.sine, columns = _waves(side, stamp.shape[0])
        self.along = (stamp.astype(np.complex64) @ columns).view(np.float32)

    def of_rows(self, rows: Rows) -> tuple[Spectrum, Spectrum]:
        """Give the spectrum in some rows of the first half, and in those of opposite frequency."""
        even = (self.cosine[rows] @ self.along).view(np.complex64)
        odd = (self.sine[rows] @ self.along).view(np.complex64)
        odd *= np.complex64(-1j)
        above = even + odd
        even -= odd
        return above, even

    def whole(self) -> Spectrum:
        """Give all rows."""
        half = len(self.cosine) - 1
        above, below = self.of_rows(slice(None))
        return np.concatenate([above, below[half - 1 : 0 : -1]])


@lru_cache(maxsize=8)
def _waves(side: int, stamp_side: int) -> tuple[Float32Image, Float32Image, Spectrum]:
    """Give cosines and sines of the first half of the rows, and the waves along the columns."""
    offset = np.arange(stamp_side) - stamp_side // 2
    phase = 2 * np.pi * np.arange(side // 2 + 1)[:, None] * offset / side
    columns = np.exp(-1j * phase.T).astype(np.complex64)
    return np.cos(phase).astype(np.float32), np.sin(phase).astype(np.float32), columns


def stamp_transform(stamp: NDArray[np.floating], side: int) -> Spectrum:
    """Transform a small centred stamp on a large grid of even ``side``."""
    return ThinSpectrum(stamp, side).whole()


def strips_with_opposite(side: int) -> Iterator[tuple[Rows, Rows, Rows]]:
    """Cut the rows of a spectrum of even side into strips.

    Yields
    ------
    three slices
        Rows of the first half, those of opposite frequency in the same order, and which of the
        former these are: the first row and the middle one are their own opposites.
    """
    half = side // 2
    for first in range(0, half + 1, STRIP_ROWS):
        last = min(first + STRIP_ROWS, half + 1)
        low, high = max(first, 1), min(last, half)
        opposite = slice(side - low, side - high, -1) if high > low else slice(0)
        yield slice(first, last), opposite, slice(low - first, max(high, low) - first)


def shift_phases(side: int, shift_x: float, shift_y: float) -> tuple[Spectrum, Spectrum]:
    """Give what a shift (px) multiplies the rows and the columns of the transform of a square with.

    Arrays of (side, 1) and (1, side // 2 + 1).
    """
    row = np.exp(-2j * np.pi * fft.fftfreq(side) * shift_y).astype(np.complex64)
    column = np.exp(-2j * np.pi * fft.rfftfreq(side) * shift_x).astype(np.complex64)
    return row[:, None], column[None, :]


def power_of(spectrum: NDArray[np.complexfloating]) -> NDArray[np.floating]:
    """Give the squared modulus of a transform."""
    return np.asarray(spectrum.real**2 + spectrum.imag**2)


def transformed_back(spectrum: Spectrum, side: int, window: tuple[slice, slice]) -> Float32Image:
    """Transform the half plane of a square back, ``window`` of it; the spectrum is overwritten."""
    rows = fft.ifft(spectrum, axis=0, overwrite_x=True)[window[0]]
    return np.asarray(fft.irfft(rows, side, axis=1)[:, window[1]], np.float32)
