"""Forced photometry: the flux of a point source at given places, found there or not."""

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from differencing.extraction import brightness
from differencing.extraction.interpolate import Index, around, distances, interpolate
from differencing.extraction.shapes import Beam, sky_places
from differencing.psf.model import PsfModel
from differencing.psf.stamps import shift_stamps
from differencing.subtraction.noise import BoolArray, FloatArray
from differencing.subtraction.subtract import Difference
from preprocessing.calibrated import CalibratedFrame
from preprocessing.masks import MaskBit, has_bits

Forced = NDArray[np.void]

# name, type, unit, meaning
FIELDS = (
    ("x", "f8", "pix", "column, 0-based"),
    ("y", "f8", "pix", "row, 0-based"),
    ("ra", "f8", "deg", "right ascension, ICRS"),
    ("dec", "f8", "deg", "declination, ICRS"),
    ("flux", "f8", "adu", "PSF flux, ADU; NaN where none can be measured"),
    ("flux_error", "f8", "adu", "1-sigma error of flux"),
    ("limit", "f8", "adu", "flux that would have stood out by the given number of sigma"),
    *brightness.FIELDS,
    ("hidden_share", "f8", "", "of the information that masked pixels took away, 0 to 1"),
    ("mask_bits", "u2", "", "all mask bits within the core of the PSF"),
)
DTYPE = np.dtype([(name, kind) for name, kind, _, _ in FIELDS])

LIMIT_SIGMA = 5.0
HIDDEN = MaskBit.NO_DATA | MaskBit.BAD_PIXEL | MaskBit.COSMIC_RAY | MaskBit.TRAIL
MOST_HIDDEN = 0.5  # of the information; with less left a flux is a guess
CHUNK = 1024  # positions handled at once
FIT_REACH = 2.0  # FWHM around a position that its PSF is fitted in


def force_difference(
    difference: Difference, x: FloatArray, y: FloatArray, *, sigma: float = LIMIT_SIGMA
) -> Forced:
    """Measure the flux that changed at given places.

    The flux map of a difference holds the best flux of a source centred on each pixel. Between
    pixels it is interpolated, which is exact for what the PSFs sample. Where pixels near a place
    had no data of their own, the flux they took away is given back.

    Parameters
    ----------
    difference : Difference
    x, y : (n,) arrays
        Pixels from 0. NaN is outside.
    sigma : float
        For ``limit``.

    Returns
    -------
    (n,) structured array of :data:`DTYPE`
        Flux, error and limit are NaN outside the frame, on saturated pixels, and where masked
        pixels hide more than half; ``mask_bits`` says why. Magnitudes are by the zero point of the
        difference, NaN without one.

    References
    ----------
    Zackay, Ofek & Gal-Yam 2016, ApJ 830, 27, eqs. 41-43.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    found = _places(x, y, difference.wcs)
    inside = is_inside(x, y, difference.mask.shape)
    found["mask_bits"][~inside] = int(MaskBit.NO_DATA | MaskBit.EDGE)
    for part in _chunks(np.flatnonzero(inside)):
        _measure(found, part, difference, Beam.of(difference.psf))
    found["limit"] = sigma * found["flux_error"]
    # what the PSF is wrong by is a share of a flux, and there is none in what nobody has seen
    found["flux_error"] = difference.error_with_psf(found["flux"], found["flux_error"])
    brightness.set_magnitudes(found, difference.zero_point)
    return found


def force_frame(
    frame: CalibratedFrame,
    model: PsfModel,
    x: FloatArray,
    y: FloatArray,
    *,
    sigma: float = LIMIT_SIGMA,
) -> Forced:
    """Measure the flux at given places of a single frame by a fit of its PSF.

    Sky noise weighs the pixels and masked ones weigh nothing, so that a flux is unbiased at any
    brightness; its error holds the photons of the source too. Neighbours are not taken out.

    Parameters
    ----------
    frame : CalibratedFrame
    model : PsfModel
        Of that frame.
    x, y : (n,) arrays
        Pixels from 0. NaN is outside.
    sigma : float
        For ``limit``.

    Returns
    -------
    (n,) structured array of :data:`DTYPE`
        As :func:`force_difference` gives.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    found = _places(x, y, frame.wcs)
    inside = is_inside(x, y, frame.shape)
    found["mask_bits"][~inside] = int(MaskBit.NO_DATA | MaskBit.EDGE)
    for part in _chunks(np.flatnonzero(inside)):
        _fit(found, part, frame, model)
    found["limit"] = sigma * found["flux_error"]
    brightness.set_magnitudes(found, frame.zero_point)
    return found


def names_of(bits: int) -> str:
    """Name the mask bits that are set: "EDGE, NO_DATA"; empty for none."""
    return ", ".join(str(bit.name) for bit in MaskBit if bits & bit)


def _places(x: FloatArray, y: FloatArray, wcs: WCS) -> Forced:
    found = np.zeros(len(x), DTYPE)
    found["x"], found["y"] = x, y
    for name in ("ra", "dec", "flux", "flux_error", "limit"):
        found[name] = np.nan
    known = np.isfinite(x) & np.isfinite(y)
    found["ra"][known], found["dec"][known] = sky_places(wcs, x[known], y[known])
    return found


def is_inside(x: FloatArray, y: FloatArray, shape: tuple[int, ...]) -> BoolArray:
    """Tell which places lie on a pixel of the frame; NaN compares false."""
    on_row = (y >= -0.5) & (y < shape[0] - 0.5)
    inside: BoolArray = on_row & (x >= -0.5) & (x < shape[1] - 0.5)
    return inside


def _chunks(index: Index) -> list[Index]:
    return np.array_split(index, -(-len(index) // CHUNK)) if len(index) else []


def _measure(found: Forced, part: Index, difference: Difference, beam: Beam) -> None:
    """Fill in the places ``part`` of a difference."""
    x, y = found["x"][part], found["y"][part]
    half = int(np.ceil(1.5 * beam.fwhm))
    bits = around(difference.mask, x, y, half, beyond=int(MaskBit.NO_DATA))
    distance = distances(x, y, half)
    # the information of a pixel goes as the square of the PSF, taken for a Gaussian
    weight = np.exp(-((distance / beam.sigma) ** 2))
    share = (weight * has_bits(bits, HIDDEN)).sum(axis=(1, 2)) / weight.sum(axis=(1, 2))
    _flag(found, part, bits * (distance <= max(1.0, beam.fwhm / 2)), share)
    # hidden pixels hold no difference: what is seen is the flux times the information left
    left = np.where(_is_lost(found[part]), np.nan, 1 - share)
    flux = interpolate(difference.flux, x, y)
    # the error varies slowly, and is never interpolated to zero
    error = difference.flux_error[np.rint(y).astype(int), np.rint(x).astype(int)]
    found["flux"][part] = flux / left
    found["flux_error"][part] = np.where(np.isfinite(flux), error, np.nan) / np.sqrt(left)
    missing = np.isnan(flux)  # too near to pixels without data to interpolate
    found["mask_bits"][part[missing]] |= np.uint16(int(MaskBit.NO_DATA))


def _flag(found: Forced, part: Index, core: NDArray, share: FloatArray) -> None:
    """Write down the mask bits of the core and how much was hidden."""
    found["mask_bits"][part] = np.bitwise_or.reduce(core.reshape(len(part), -1), axis=1)
    found["hidden_share"][part] = share


def _is_lost(found: Forced) -> BoolArray:
    """Tell where no flux can be measured."""
    saturated = has_bits(found["mask_bits"], MaskBit.SATURATED)
    lost: BoolArray = saturated | (found["hidden_share"] > MOST_HIDDEN)
    return lost


def _fit(found: Forced, part: Index, frame: CalibratedFrame, model: PsfModel) -> None:
    """Fill in the places ``part`` of a frame."""
    x, y = found["x"][part], found["y"][part]
    half = min(model.half, int(np.ceil(FIT_REACH * model.fwhm)))
    bits = around(frame.mask, x, y, half, beyond=int(MaskBit.NO_DATA))
    pixels = around(frame.pixels, x, y, half, beyond=np.nan)
    noise = around(frame.noise, x, y, half, beyond=np.nan)
    good = np.isfinite(pixels) & (noise > 0) & ~has_bits(bits, HIDDEN | MaskBit.SATURATED)
    psf = _placed(model, x, y, half)
    inverse = good / np.where(good, noise, 1).astype(float) ** 2
    information = (psf**2 * inverse).sum(axis=(1, 2))
    share = 1 - (psf**2 * good).sum(axis=(1, 2)) / (psf**2).sum(axis=(1, 2))
    core = distances(x, y, half) <= max(1.0, model.fwhm / 2)
    _flag(found, part, bits * core, share)
    information[_is_lost(found[part])] = np.nan
    flux = (psf * inverse * np.where(good, pixels, 0)).sum(axis=(1, 2)) / information
    photons = (np.maximum(psf, 0) * (psf * inverse) ** 2).sum(axis=(1, 2)) / frame.gain
    found["flux"][part] = flux
    variance = 1 / information + photons * np.maximum(flux, 0) / information**2
    found["flux_error"][part] = np.sqrt(variance)


def _placed(model: PsfModel, x: FloatArray, y: FloatArray, half: int) -> NDArray[np.float64]:
    """Give the PSF on the pixels around each place, its centre where the place is."""
    moved = shift_stamps(model.many(x, y), np.rint(x) - x, np.rint(y) - y)
    crop = slice(model.half - half, model.half + half + 1)
    return np.asarray(moved[:, crop, crop])
