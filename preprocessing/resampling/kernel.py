"""What interpolation by quintic B-splines does to the noise of single pixels."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from preprocessing.astrometry.transform import Shape, Transform
from preprocessing.resampling.resample import SPLINE_ORDER, points_within

Floats = NDArray[np.float64]

# The cardinal spline falls by 2.3 a pixel: 1e-5 at this distance.
REACH_PX = 13
# Places of the grid at which the noise is worked out.
SAMPLES = 24


@dataclass(frozen=True)
class PixelNoise:
    """Noise of single resampled pixels, the mean over a frame.

    Attributes
    ----------
    variance : float
        Over what the noise map states: that of independent pixels of the same area.
    along_rows, along_columns : float
        Correlation with the next pixel of the row, and of the column.
    """

    variance: float
    along_rows: float
    along_columns: float


def pixel_noise(transform: Transform, shape: Shape) -> PixelNoise:
    """Work out the noise of a resampled frame of ``shape`` whose native pixels are independent.

    A resampled pixel is a weighted sum of native ones; two of them share noise as far as their
    weights overlap. What a matched filter sees is not changed: that is what the noise map states.

    References
    ----------
    Unser 1999, IEEE Signal Proc. Mag. 16(6), 22, box 2 (cardinal splines).
    """
    rows, columns = (np.linspace(0, side - 2, SAMPLES).round() for side in shape)
    points = points_within(float(transform.area(rows, columns).max()))

    def shared(down: int, along: int) -> float:
        """Give the mean covariance with the pixel ``down`` and ``along``, native variance 1."""
        total = 0.0
        for here in points:
            for there in points:
                total += covariance(
                    transform.dense(rows + here[0], columns + here[1]),
                    transform.dense(rows + down + there[0], columns + along + there[1]),
                )
        return total / len(points) ** 2

    own = shared(0, 0)
    area = float(transform.area(rows, columns).mean())
    return PixelNoise(own * area, shared(0, 1) / own, shared(1, 0) / own)


def covariance(here: tuple[Floats, Floats], there: tuple[Floats, Floats]) -> float:
    """Give the mean covariance of values interpolated at pairs of places (x, y)."""
    steps = np.arange(-REACH_PX, REACH_PX + 1.0)
    product = np.ones(here[0].shape)
    for first, second in zip(here, there, strict=True):
        pixels = np.rint(first)[..., None] + steps
        product *= (cardinal(pixels - first[..., None]) * cardinal(pixels - second[..., None])).sum(
            -1
        )
    return float(product.mean())


def cardinal(x: Floats) -> Floats:
    """Give the cardinal spline: what interpolation makes of a single bright pixel."""
    return np.asarray(
        ndimage.map_coordinates(spike(), [x + 2 * REACH_PX], order=SPLINE_ORDER, prefilter=False)
    )


@cache
def spike() -> Floats:
    """Give the spline coefficients of a single bright pixel."""
    pixels = np.zeros(4 * REACH_PX + 1)
    pixels[2 * REACH_PX] = 1
    return np.asarray(ndimage.spline_filter1d(pixels, SPLINE_ORDER))
