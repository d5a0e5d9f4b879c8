"""A frame with sources of known flux, its PSF, and the difference that holds them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from astropy.wcs import WCS
from scipy.signal import fftconvolve

from differencing.psf.model import PsfModel
from differencing.subtraction.subtract import Difference
from preprocessing.calibrated import CalibratedFrame

Floats = npt.NDArray[np.float64]
HALF = 16  # of the stamps of the PSF, px
SIGMA = 1.6  # of the PSF, px
NOISE, SATURATION = 5.0, 6e4  # ADU
GAIN = 1e6  # electrons per ADU: photons of sources add no noise, which peers would not count
BAD_SHARE = 1e-3  # of the pixels
BRIGHTEST = 50.0  # S/N


@dataclass(frozen=True)
class Scene:
    """What is measured, and what should come out."""

    frame: CalibratedFrame
    difference: Difference
    model: PsfModel
    x: Floats
    y: Floats
    flux: Floats


def make_scene(size: int, objects: int, seed: int) -> Scene:
    """Draw sources from nothing to 50 sigma at places of any phase, some of their pixels bad."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(HALF, size - HALF, (2, objects))
    psf = stamp(0.0, 0.0)
    error = NOISE / np.sqrt((psf**2).sum())
    flux = error * rng.uniform(0, BRIGHTEST, objects)
    pixels = rng.normal(0, NOISE, (size, size))
    for column, row, light in zip(x, y, flux, strict=True):
        place(pixels, column, row, light)
    mask = np.where(rng.random(pixels.shape) < BAD_SHARE, 4, 0).astype(np.uint16)
    noise = np.full(pixels.shape, NOISE, np.float32)
    frame = CalibratedFrame(pixels.astype(np.float32), noise, mask, _wcs(size), GAIN, SATURATION)
    # coefficients of the second degree, as in the pipeline; those of a PSF that does not vary
    coefficients = np.concatenate([psf[None], np.zeros((5, *psf.shape))])
    model = PsfModel(coefficients, 2, (size, size), 100)
    return Scene(frame, _difference(frame, psf, model), model, x, y, flux)


def stamp(dx: float, dy: float) -> Floats:
    """Give the PSF, its centre away from the middle of the stamp."""
    offset = np.arange(-HALF, HALF + 1)
    along = [np.exp(-((offset - d) ** 2) / (2 * SIGMA**2)) for d in (dx, dy)]
    found: Floats = along[1][:, None] * along[0] / (2 * np.pi * SIGMA**2)
    return found


def window(column: float, row: float, half: int = HALF) -> tuple[slice, slice]:
    """Give the pixels of a stamp around the nearest pixel of a place."""
    j, i = round(column), round(row)
    return slice(i - half, i + half + 1), slice(j - half, j + half + 1)


def place(pixels: Floats, column: float, row: float, light: float) -> None:
    """Add a source whose stamp lies within the frame or is cut at its edge."""
    part = pixels[window(column, row)]
    added = light * stamp(column - round(column), row - round(row))
    part += added[: part.shape[0], : part.shape[1]]


def _difference(frame: CalibratedFrame, psf: Floats, model: PsfModel) -> Difference:
    """Give the difference from an empty reference without noise: the matched filter."""
    scale = (psf**2).sum()
    flux = (fftconvolve(frame.pixels, psf[::-1, ::-1], "same") / scale).astype(np.float32)
    error = np.full(flux.shape, NOISE / np.sqrt(scale), np.float32)
    return Difference(
        frame.pixels, flux / error, flux, error, frame.mask, psf.astype(np.float32), frame.wcs,
        science_psf=model,
    )  # fmt: skip


def _wcs(size: int) -> WCS:
    found = WCS(naxis=2)
    found.wcs.ctype = "RA---TAN", "DEC--TAN"
    found.wcs.crval, found.wcs.crpix = (150.0, 2.0), (size / 2, size / 2)
    found.wcs.cdelt = -1e-4, 1e-4
    return found
