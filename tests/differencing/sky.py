"""A small sky with known truth: what the tests of the differencing science subtract."""

from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS

from preprocessing.calibrated import CalibratedFrame

SATURATION = 60000.0
BETA = 3.2  # of the Moffat profiles


@dataclass(frozen=True)
class Conditions:
    """How one epoch was observed."""

    fwhm: float
    ellipticity: float
    sky: float  # ADU
    gain: float
    read_noise: float  # e-
    scale: float  # ADU per unit of flux
    shift: tuple[float, float] = (0.0, 0.0)  # px, x and y

    @property
    def noise(self):
        return np.sqrt(self.sky / self.gain + (self.read_noise / self.gain) ** 2)


SCIENCE = Conditions(3.4, 0.06, 400.0, 1.5, 6.0, 0.8, shift=(0.21, -0.13))
REFERENCE = Conditions(2.7, 0.03, 160.0, 6.0, 3.0, 1.0)


def moffat(fwhm, ellipticity, dx, dy, half, oversampling=5):
    """Pixel-integrated Moffat stamp, centred (dx, dy) off the middle; its infinite sum is 1."""
    fine = (np.arange((2 * half + 1) * oversampling) + 0.5) / oversampling - 0.5 - half
    x, y = np.meshgrid(fine - dx, fine - dy)
    width = fwhm / (2 * np.sqrt(2 ** (1 / BETA) - 1))
    q = 1 - ellipticity
    profile = (1 + (x**2 * q + y**2 / q) / width**2) ** -BETA * (BETA - 1) / (np.pi * width**2)
    side = 2 * half + 1
    return profile.reshape(side, oversampling, side, oversampling).mean(axis=(1, 3))


def place(image, stamp, column, row):
    """Add ``stamp`` centred on a pixel, cut at the frame's edges."""
    half = stamp.shape[0] // 2
    top, left = max(0, row - half), max(0, column - half)
    target = image[top : row + half + 1, left : column + half + 1]
    down, right = top - (row - half), left - (column - half)
    target += stamp[down : down + target.shape[0], right : right + target.shape[1]]


def render(shape, conditions, stars):
    """Draw stars (x, y, flux) as ``conditions`` show them, noiseless, without sky."""
    image = np.zeros(shape)
    for x, y, flux in stars:
        seen_x, seen_y = x + conditions.shift[0], y + conditions.shift[1]
        column, row = round(seen_x), round(seen_y)
        half = 16 if flux < 2e4 else 40
        stamp = moffat(conditions.fwhm, conditions.ellipticity, seen_x - column, seen_y - row, half)
        place(image, conditions.scale * flux * stamp, column, row)
    return image


def observe(shape, conditions, stars, rng):
    """Take an exposure of ``stars`` and give it as a calibrated frame with the true noise."""
    electrons = (render(shape, conditions, stars) + conditions.sky) * conditions.gain
    seen = rng.poisson(electrons) + rng.normal(0, conditions.read_noise, shape)
    return frame(seen / conditions.gain - conditions.sky, conditions)


def frame(pixels, conditions, mask=None):
    """Wrap pixels as a calibrated frame."""
    return CalibratedFrame(
        pixels=pixels.astype(np.float32),
        noise=np.full(pixels.shape, conditions.noise, np.float32),
        mask=np.zeros(pixels.shape, np.uint16) if mask is None else mask,
        wcs=sky_wcs(pixels.shape),
        gain=conditions.gain,
        saturation=SATURATION,
    )


def sky_wcs(shape):
    """A tangent plane of 0.5 arcsec pixels, north up, east left, about RA 150, Dec 20."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [150.0, 20.0]
    wcs.wcs.crpix = [shape[1] / 2 + 0.5, shape[0] / 2 + 0.5]
    wcs.wcs.cdelt = [-0.5 / 3600, 0.5 / 3600]
    return wcs


def star_field(shape, count, rng, brightest=2e5):
    """Draw star positions and fluxes, N(>f) ~ f^-0.6 from 400 up."""
    faint, bright = 400.0**-0.6, brightest**-0.6
    flux = (faint + rng.random(count) * (bright - faint)) ** (-1 / 0.6)
    return np.column_stack(
        [rng.uniform(5, shape[1] - 6, count), rng.uniform(5, shape[0] - 6, count), flux]
    )


def spread_out(shape, count, rng, taken, gap=14.0):
    """Draw positions away from ``taken`` ones, from each other and from the edges."""
    found = []
    others = list(map(tuple, taken[:, :2]))
    while len(found) < count:
        x, y = rng.uniform(20, shape[1] - 21), rng.uniform(20, shape[0] - 21)
        if all(np.hypot(x - a, y - b) > gap for a, b in others):
            found.append((x, y))
            others.append((x, y))
    return np.array(found)
