"""Star fields whose every position, flux and noise is known."""

from dataclasses import dataclass, replace

import numpy as np
from astropy.wcs import WCS, Sip

from preprocessing.calibrated import CalibratedFrame

OVERSAMPLING = 5
SCALE_ARCSEC = 0.4


def tan_wcs(shape, *, rotation_deg=0.0, shift=(0.0, 0.0), scale=SCALE_ARCSEC, centre=(150.0, 2.0)):
    """A TAN WCS whose tangent point lies ``shift`` px (x, y) off the middle of the frame."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cunit = ["deg", "deg"]
    wcs.wcs.crval = centre
    wcs.wcs.crpix = [(shape[1] + 1) / 2 + shift[0], (shape[0] + 1) / 2 + shift[1]]
    cos, sin = np.cos(np.radians(rotation_deg)), np.sin(np.radians(rotation_deg))
    wcs.wcs.cd = scale / 3600 * np.array([[-cos, sin], [sin, cos]])
    wcs.wcs.radesys = "ICRS"
    wcs.wcs.set()
    return wcs


def sip_wcs(shape, strength=2e-7, **options):
    """A TAN-SIP WCS with a cubic distortion of ``strength`` per square px."""
    wcs = tan_wcs(shape, **options)
    a, b = np.zeros((4, 4)), np.zeros((4, 4))
    a[3, 0] = a[1, 2] = strength
    b[0, 3] = b[2, 1] = strength
    a[1, 1] = b[2, 0] = 2e-6
    wcs.sip = Sip(a, b, None, None, wcs.wcs.crpix)
    wcs.wcs.ctype = ["RA---TAN-SIP", "DEC--TAN-SIP"]
    wcs.wcs.set()
    return wcs


def profile(x, y, fwhm, beta):
    """Flux per unit area at (x, y) from the centre; ``beta`` None is a Gaussian."""
    square = x**2 + y**2
    if beta is None:
        variance = (fwhm / 2.3548) ** 2
        return np.exp(-0.5 * square / variance) / (2 * np.pi * variance)
    core = fwhm**2 / (4 * (2 ** (1 / beta) - 1))
    return (beta - 1) / (np.pi * core) * (1 + square / core) ** -beta


def add_star(image, x, y, flux, fwhm, beta=3.0, half=20):
    """Add one pixel-integrated star, in place; wings beyond ``half`` px are cut."""
    column, row = round(x), round(y)
    steps = (np.arange((2 * half + 1) * OVERSAMPLING) + 0.5) / OVERSAMPLING - 0.5 - half
    fine = profile(steps - (x - column), (steps - (y - row))[:, None], fwhm, beta)
    side = 2 * half + 1
    stamp = flux * fine.reshape(side, OVERSAMPLING, side, OVERSAMPLING).mean(axis=(1, 3))
    top, left = row - half, column - half
    rows = slice(max(0, top), max(0, min(image.shape[0], top + side)))
    columns = slice(max(0, left), max(0, min(image.shape[1], left + side)))
    if rows.stop > rows.start and columns.stop > columns.start:
        image[rows, columns] += stamp[
            rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
        ]


@dataclass(frozen=True)
class Sky:
    """Stars on a square of sky, in pixels of an undistorted frame of that size."""

    x: np.ndarray
    y: np.ndarray
    flux: np.ndarray


def scatter_stars(shape, count, rng, *, flux=(3e3, 1e5), apart=25.0):
    """Stars at random places, none nearer to another than ``apart`` px."""
    places = []
    while len(places) < count:
        place = rng.uniform((15, 15), (shape[1] - 15, shape[0] - 15))
        if all(np.hypot(*(place - other)) > apart for other in places):
            places.append(place)
    x, y = np.array(places).T
    return Sky(x, y, np.exp(rng.uniform(*np.log(flux), count)))


def expose(sky, shape, *, wcs, place=None, noise=10.0, fwhm=3.0, seed=0, gain=2.0):
    """Photograph stars: white noise of ``noise`` ADU and photon noise at ``gain``.

    ``place`` maps sky pixels to pixels of this frame.
    """
    rng = np.random.default_rng(seed)
    x, y = (sky.x, sky.y) if place is None else place(sky.x, sky.y)
    light = np.zeros(shape)
    for star in zip(x, y, sky.flux, strict=True):
        add_star(light, *star, fwhm)
    photons = rng.normal(size=shape) * np.sqrt(np.maximum(light, 0) / gain)
    pixels = light + photons + rng.normal(0, noise, shape)
    return frame_of(pixels, wcs=wcs, noise=noise, gain=gain)


def frame_of(pixels, *, wcs, noise=10.0, gain=2.0, mask=None):
    """Wrap pixels that are free of sky."""
    return CalibratedFrame(
        pixels=np.asarray(pixels, np.float32),
        noise=np.full(pixels.shape, noise, np.float32),
        mask=np.zeros(pixels.shape, np.uint16) if mask is None else mask,
        wcs=wcs,
        gain=gain,
        saturation=60000.0,
    )


def with_mask(frame, mask):
    """The same frame with another mask."""
    return replace(frame, mask=mask.astype(np.uint16))
