"""Bring a frame onto the pixel grid of a reference without losing flux or hiding noise."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from preprocessing.astrometry.registration import Registration
from preprocessing.astrometry.transform import Floats, Shape, Transform
from preprocessing.calibrated import CalibratedFrame, Pixels
from preprocessing.masks import Bools, Mask, MaskBit, has_bits

# Quintic B-splines keep PSF and noise better than Lanczos-3 or -4, and cost less (measured).
SPLINE_ORDER: Final = 5
# A spoiled pixel reaches the pixels whose centres were interpolated this near to it.
FOOTPRINT_PX = 2
BORDER_PX = 3
# What fills a pixel without light is taken from so near.
FILL_REACH_PX = 3
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
        part = strip.stop - strip.start, shape[1]
        pixels[strip], noise[strip], mask[strip] = source.sample(transform, strip.start, part)
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
    """A frame made ready to be interpolated: spline coefficients, noise, mask with footprints.

    Noise and mask have one more pixel on every side: what lies outside the frame.
    """

    coefficients: Pixels
    noise: Pixels
    mask: Mask

    @classmethod
    def of(cls, frame: CalibratedFrame) -> "Source":
        """Prepare a frame."""
        filled = fill_false_light(frame.pixels, frame.mask)
        coefficients = np.empty_like(filled)
        ndimage.spline_filter(filled, SPLINE_ORDER, coefficients, mode="mirror")
        mask = np.pad(spread(frame.mask), 1, constant_values=int(MaskBit.NO_DATA))
        return cls(coefficients, np.pad(frame.noise, 1, mode="edge"), mask)

    def sample(self, transform: Transform, top: int, shape: Shape) -> tuple[Pixels, Pixels, Mask]:
        """Give pixels, noise and mask at every grid pixel of ``shape`` from row ``top`` on.

        Noise and mask are those of the nearest pixel.
        """
        x, y, wide = transform.fine(top, shape)
        area = wide.astype(np.float32)
        nearest = self.nearest(x, y)
        mask, noise = self.mask.ravel()[nearest], self.noise.ravel()[nearest]
        points = points_within(float(area.max()))
        pixels = np.zeros(shape, np.float32)
        for point in points:
            places = (x, y) if len(points) == 1 else transform.fine(top, shape, point)[:2]
            pixels += self.interpolated(*places)
        pixels *= area / len(points)
        pixels[has_bits(mask, MaskBit.NO_DATA)] = np.nan
        return pixels, noise * np.sqrt(area), mask

    def interpolated(self, x: Floats, y: Floats) -> Pixels:
        """Give the spline at science pixels."""
        places = np.stack([y, x])
        return np.asarray(
            ndimage.map_coordinates(
                self.coefficients, places, order=SPLINE_ORDER, mode="mirror", prefilter=False
            )
        )

    def nearest(self, x: Floats, y: Floats) -> NDArray[np.intp]:
        """Give the place of the nearest pixel in the widened planes, taken as one line."""
        height, width = self.mask.shape
        row = np.clip(np.rint(y + 1), 0, height - 1).astype(np.intp)
        row *= width
        row += np.clip(np.rint(x + 1), 0, width - 1).astype(np.intp)
        return row


def points_within(area: float) -> list[tuple[float, float]]:
    """Give the points (y, x) within a grid pixel whose mean is taken, for pixels of this area."""
    count = max(1, int(np.ceil(np.sqrt(area) / COARSEST_SAMPLING_PX)))
    places = (np.arange(count) + 0.5) / count - 0.5
    return [(float(down), float(along)) for down in places for along in places]


def fill_false_light(pixels: Pixels, mask: Mask) -> Pixels:
    """Replace pixels that hold no light by the mean of good ones near them, weighted by nearness.

    Zero where no good pixel is near.
    """
    false = (mask & FALSE_LIGHT) != 0
    rows, columns = np.nonzero(false)
    filled = pixels.copy()
    light = np.pad(np.where(false, np.float32(0), pixels), FILL_REACH_PX)
    good = np.pad((~false).astype(np.float32), FILL_REACH_PX)
    weight = np.exp(-0.5 * np.arange(-FILL_REACH_PX, FILL_REACH_PX + 1.0) ** 2)
    total, share = np.zeros((2, rows.size))
    for dy, dx in product(range(weight.size), repeat=2):
        near = weight[dy] * weight[dx]
        total += near * light[rows + dy, columns + dx]
        share += near * good[rows + dy, columns + dx]
    filled[rows, columns] = total / np.maximum(share, 1e-6)
    return filled


def spread(mask: Mask) -> Mask:
    """Spread the bits of each pixel over the footprint of the interpolation.

    Missing pixels make their neighbours EDGE, and so does the border of the frame.
    """
    wide = mask.copy()
    wide[border(mask.shape)] |= np.uint16(MaskBit.EDGE)
    rows, columns = np.nonzero(mask)
    bits = mask[rows, columns]
    missing = has_bits(bits, MaskBit.NO_DATA)
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
