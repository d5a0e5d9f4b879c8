"""Stamps: small squares of pixels centred on sources to a fraction of a pixel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

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
    offset = np.arange(-reach, reach + 1)
    rows, columns = row[:, None, None] + offset[:, None], column[:, None, None] + offset
    inside = (rows >= 0) & (rows < pixels.shape[0]) & (columns >= 0) & (columns < pixels.shape[1])
    where = np.clip(rows, 0, pixels.shape[0] - 1), np.clip(columns, 0, pixels.shape[1] - 1)
    good = inside & ~bad[where]
    cut = _mended(np.where(inside, pixels[where], 0.0), good)
    # a shifted pixel mixes its neighbours: those of a bad one are bad
    good = ndimage.minimum_filter(good, size=(1, 3, 3), mode="nearest")
    moved = shift_stamps(cut, x - column, y - row)
    keep = slice(MARGIN, -MARGIN)
    return Stamps(moved[:, keep, keep], good[:, keep, keep])


def _mended(cut: FloatArray, good: BoolArray) -> NDArray[np.float64]:
    """Fill bad pixels with those across the centre, or with sky: the shift would spread them."""
    across, usable = cut[:, ::-1, ::-1], good[:, ::-1, ::-1]
    return np.where(good, cut, np.where(usable, across, 0.0))


def shift_stamps(stamps: FloatArray, dx: FloatArray, dy: FloatArray) -> NDArray[np.float64]:
    """Move the point at centre + (dx, dy) of each of the (n, k, k) stamps to its centre."""
    size = stamps.shape[-1]
    phase_y = np.exp(2j * np.pi * fft.fftfreq(size) * np.asarray(dy)[:, None])
    phase_x = np.exp(2j * np.pi * fft.rfftfreq(size) * np.asarray(dx)[:, None])
    spectrum = fft.rfft2(stamps) * phase_y[:, :, None] * phase_x[:, None, :]
    moved: NDArray[np.float64] = fft.irfft2(spectrum, stamps.shape[-2:])
    return moved
