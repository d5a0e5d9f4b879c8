"""Cosmic-ray hits: light that is sharper than the PSF of its frame allows."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from differencing.noise import BoolArray, FloatArray
from preprocessing.calibrated import CalibratedFrame
from preprocessing.masks import MaskBit

SEED_SIGMA = 6.0  # of the contrast; one in 10^9 pixels of pure noise
TAIL_SIGMA = 3.0  # for pixels that touch a hit
TAIL_ROUNDS = 3
PSF_ERROR = 0.1  # of a pixel's light: what the PSF model and its change over the field may miss
NEIGHBOURS = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool)


def find_cosmics(
    pixels: FloatArray, noise: FloatArray, psf: FloatArray, *, gain: float
) -> BoolArray:
    """Mark the pixels hit by cosmic rays.

    No source can fall off from a pixel to the mean of its eight neighbours faster than the PSF
    centred on a pixel does; a hit, a line one pixel wide or a single pixel, falls off faster.
    Where the PSF itself is hardly wider than a pixel, nothing is marked.

    Parameters
    ----------
    pixels : (ny, nx) array
        Background-subtracted, ADU, finite.
    noise : (ny, nx) array
        1-sigma noise without that of sources, ADU.
    psf : (k, k) array
        Sharpest PSF of the frame, centred on a pixel.
    gain : float
        e-/ADU.

    References
    ----------
    After van Dokkum 2001, PASP 113, 1420, with the frame's own PSF in place of the
    fine-structure image.
    """
    centre = psf.shape[0] // 2
    around = psf[centre - 1 : centre + 2, centre - 1 : centre + 2]
    fall = float(around[NEIGHBOURS].mean() / around[1, 1])
    mean = (9 * ndimage.uniform_filter(pixels, 3, mode="nearest") - pixels) / 8
    contrast = pixels - mean / np.float32(fall)
    variance = noise**2 * np.float32(1 + 1 / (8 * fall**2))
    light = np.maximum(pixels, 0)
    variance += light / np.float32(gain) + (np.float32(PSF_ERROR) * np.maximum(mean, 0)) ** 2
    pull = contrast / np.sqrt(variance)
    return _grow(pull > SEED_SIGMA, (pull > TAIL_SIGMA) | _stands_out(pixels, mean, noise))


def _stands_out(pixels: FloatArray, mean: FloatArray, noise: FloatArray) -> BoolArray:
    """Mark pixels above noise and above their surroundings: candidates for the rest of a hit."""
    found: BoolArray = (pixels > TAIL_SIGMA * noise) & (pixels > mean)
    return found


def _grow(seeds: BoolArray, willing: BoolArray) -> BoolArray:
    """Add to ``seeds`` the willing pixels that touch them."""
    if not seeds.any():
        return seeds
    square: NDArray[np.bool_] = np.ones((3, 3), bool)
    hit: BoolArray = ndimage.binary_dilation(
        seeds, square, iterations=TAIL_ROUNDS, mask=willing | seeds
    )
    return hit


def mark_cosmics(frame: CalibratedFrame, hits: BoolArray) -> CalibratedFrame:
    """Give ``frame`` with the bit COSMIC_RAY set at ``hits``, saturated pixels left out."""
    saturated = (frame.mask & np.uint16(MaskBit.SATURATED)) != 0
    mask = frame.mask.copy()
    mask[hits & ~saturated] |= np.uint16(MaskBit.COSMIC_RAY)
    return replace(frame, mask=mask)
