"""Bring a frame onto the pixel grid of a reference without losing flux or hiding noise."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy import ndimage

from preprocessing.calibrated import CalibratedFrame, Pixels
from preprocessing.masks import Bools, Mask, MaskBit
from preprocessing.register import Registration
from preprocessing.transform import Floats, Shape, Transform

# Quintic B-splines keep PSF and noise better than Lanczos-3 or -4, and cost less (measured).
SPLINE_ORDER: Final = 5
# A spoiled pixel reaches the pixels whose centres were interpolated this near to it.
FOOTPRINT_PX = 2
BORDER_PX = 3
# Bits of pixels that hold no light of the sky: interpolated as they are, they would ring.
FALSE_LIGHT = MaskBit.NO_DATA | MaskBit.BAD_PIXEL | MaskBit.COSMIC_RAY
# On a grid coarser than this, a pixel is the mean over several points, or noise is aliased.
COARSEST_SAMPLING_PX = 1.1
# Rows at a time: bounds the memory of the coordinate maps.
STRIP_ROWS = 256


def resample(frame: CalibratedFrame, registration: Registration, shape: Shape) -> CalibratedFrame:
    """Give ``frame`` on the reference grid of ``shape``.

    Quintic B-spline interpolation times the pixel area, so that flux in ADU is conserved. Bits of
    the mask spread over the footprint of the interpolation. Outside the frame, pixels are NaN with
    NO_DATA; within 3 px of its border, or beside missing pixels, they carry EDGE. ``noise`` is
    that of the native pixels times the root of the pixel area: interpolation correlates
    neighbours, so the scatter of single pixels would understate the noise a matched filter sees.
    When the registration is the identity the pixels are returned as they are.

    References
    ----------
    Unser 1999, IEEE Signal Proc. Mag. 16(6), 22 (B-spline interpolation).
    """
    if registration.is_identity:
        return replace(frame, wcs=registration.grid_wcs)
    source, transform = Source.of(frame), registration.transform
    pixels, noise = np.empty(shape, np.float32), np.empty(shape, np.float32)
    mask = np.empty(shape, np.uint16)
    for strip in strips(shape[0]):
        rows, columns = np.arange(strip.start, strip.stop, dtype=float), np.arange(float(shape[1]))
        pixels[strip], noise[strip], mask[strip] = source.sample(transform, rows, columns)
    typical_area = float(np.median(transform.area(*(np.linspace(0, n - 1, 17) for n in shape))))
    return replace(
        frame,
        pixels=pixels,
        noise=noise,
        mask=mask,
        wcs=registration.grid_wcs,
        saturation=frame.saturation * typical_area,
        sky_level=frame.sky_level * typical_area,
        sky_range=frame.sky_range * typical_area,
    )


def strips(rows: int) -> Iterator[slice]:
    """Cut the rows of a frame into strips."""
    return (slice(top, min(top + STRIP_ROWS, rows)) for top in range(0, rows, STRIP_ROWS))


@dataclass(frozen=True, eq=False)
class Source:
    """A frame made ready to be interpolated: spline coefficients, noise, mask with footprints."""

    coefficients: Pixels
    noise: Pixels
    mask: Mask

    @classmethod
    def of(cls, frame: CalibratedFrame) -> "Source":
        """Prepare a frame."""
        filled = fill_false_light(frame.pixels, frame.mask)
        coefficients = np.empty_like(filled)
        ndimage.spline_filter(filled, SPLINE_ORDER, coefficients, mode="mirror")
        return cls(coefficients, frame.noise, spread(frame.mask))

    def sample(
        self, transform: Transform, rows: Floats, columns: Floats
    ) -> tuple[Pixels, Pixels, Mask]:
        """Give pixels, noise and mask at every grid pixel of ``rows`` times ``columns``."""
        x, y = transform.dense(rows, columns)
        area = transform.area(rows, columns).astype(np.float32)
        mask = self.mask_at(x, y)
        pixels = self.mean_over_pixels(transform, rows, columns, area)
        pixels[(mask & MaskBit.NO_DATA) != 0] = np.nan
        noise = ndimage.map_coordinates(self.noise, np.stack([y, x]), order=1, mode="nearest")
        return pixels, noise * np.sqrt(area), mask

    def mean_over_pixels(
        self, transform: Transform, rows: Floats, columns: Floats, area: Pixels
    ) -> Pixels:
        """Give the flux in each grid pixel: the mean over its points, times its area."""
        count = max(1, int(np.ceil(np.sqrt(area.max()) / COARSEST_SAMPLING_PX)))
        points = (np.arange(count) + 0.5) / count - 0.5
        total = np.zeros(area.shape, np.float32)
        for down in points:
            for along in points:
                x, y = transform.dense(rows + down, columns + along)
                places = np.stack([y, x])
                total += ndimage.map_coordinates(
                    self.coefficients, places, order=SPLINE_ORDER, mode="mirror", prefilter=False
                )
        return np.asarray(total * (area / count**2))

    def mask_at(self, x: Floats, y: Floats) -> Mask:
        """Give the mask at science pixels: that of the nearest, NO_DATA outside the frame."""
        column, row = np.rint(x).astype(np.intp), np.rint(y).astype(np.intp)
        height, width = self.mask.shape
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        mask = np.full(x.shape, int(MaskBit.NO_DATA), np.uint16)
        mask[inside] = self.mask[row[inside], column[inside]]
        return mask


def fill_false_light(pixels: Pixels, mask: Mask) -> Pixels:
    """Replace pixels that hold no light by the mean of good ones near them, weighted by nearness.

    Zero where no good pixel is near.
    """
    false = (mask & FALSE_LIGHT) != 0
    if not false.any():
        return pixels
    good = (~false).astype(np.float32)
    light = np.where(false, 0, pixels).astype(np.float32)
    weight = ndimage.gaussian_filter(good, 1.0, truncate=3.0)
    mean = ndimage.gaussian_filter(light, 1.0, truncate=3.0) / np.maximum(weight, 1e-6)
    return np.where(false, mean, pixels).astype(np.float32)


def spread(mask: Mask) -> Mask:
    """Spread the bits of each pixel over the footprint of the interpolation.

    Missing pixels make their neighbours EDGE, and so does the border of the frame.
    """
    wide = mask.copy()
    wide[border(mask.shape)] |= np.uint16(MaskBit.EDGE)
    rows, columns = np.nonzero(mask)
    bits = mask[rows, columns]
    missing = (bits & MaskBit.NO_DATA) != 0
    bits = np.where(missing, (bits & ~np.uint16(MaskBit.NO_DATA)) | MaskBit.EDGE, bits)
    reach = range(-FOOTPRINT_PX, FOOTPRINT_PX + 1)
    for dy, dx in ((dy, dx) for dy in reach for dx in reach):
        y, x = rows + dy, columns + dx
        inside = (y >= 0) & (y < mask.shape[0]) & (x >= 0) & (x < mask.shape[1])
        # Within one shift no pixel is hit twice, so that |= loses nothing.
        wide[y[inside], x[inside]] |= bits[inside].astype(np.uint16)
    return wide


def border(shape: Shape) -> Bools:
    """Mark the frame's border."""
    edge = np.ones(shape, bool)
    edge[BORDER_PX:-BORDER_PX, BORDER_PX:-BORDER_PX] = False
    return edge
