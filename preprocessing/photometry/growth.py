"""How the light of a star gathers with radius: what an aperture misses, what a PSF fit collects."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import sep
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from preprocessing.calibrated import CalibratedFrame
from preprocessing.stars import Stars

Floats = NDArray[np.float64]

# Radii in FWHM. A Moffat profile with beta = 3 has 0.3 % of its light beyond the last one.
RADII = np.concatenate([np.arange(0.1, 1.25, 0.1), [1.4, 1.6, 1.8, 2.0, 2.5, 3.0, 3.5, 4.0]])
# The aperture of least noise for a Gaussian has 0.67 FWHM; a little more forgives centring.
APERTURE = 0.8
MOST_STARS = 60
BRIGHT_SNR = 50.0
SUBPIXELS = 5


@dataclass(frozen=True)
class Growth:
    """The curve of growth of the stars of a frame.

    Attributes
    ----------
    fwhm : float
        Pixels.
    share : (n,) array
        Of the light within 4 FWHM, what is within each of :data:`RADII`.
    n_stars : int
        Stars that it was measured on.
    """

    fwhm: float
    share: Floats
    n_stars: int

    def within(self, radius: float) -> float:
        """Give the share of the light within ``radius`` FWHM."""
        return float(np.interp(radius, RADII, self.share))

    @property
    def noise_pixels(self) -> float:
        """Number of pixels whose noise a fit of this PSF collects, 1 / sum of its square.

        References
        ----------
        King 1983, PASP 95, 163.
        """
        area = np.pi * (RADII * self.fwhm) ** 2
        rings, light = np.diff(area, prepend=0.0), np.diff(self.share, prepend=0.0)
        return float(1 / (light**2 / rings).sum())


def measure_growth(frame: CalibratedFrame, stars: Stars, fwhm: float) -> Growth:
    """Measure the curve of growth: the median over the frame's brightest isolated stars.

    Raises
    ------
    ValueError
        If there is no star to measure it on.
    """
    sample = brightest_alone(stars, fwhm)
    radii = RADII * fwhm
    light = np.stack([light for light, _ in apertures(frame, sample, radii)], axis=1)
    whole = light[:, -1] > 0
    if not whole.any():
        raise ValueError(
            f"none of {stars.size} objects has light within {radii[-1]:.0f} px: no curve of growth"
        )
    share = np.median(light[whole] / light[whole, -1:], axis=0)
    return Growth(fwhm, np.maximum.accumulate(np.clip(share, 0, 1)), int(whole.sum()))


def brightest_alone(stars: Stars, fwhm: float) -> Stars:
    """Choose the brightest stars without a neighbour in reach; any star if none is alone."""
    chosen = stars[stars["is_star"]] if stars["is_star"].any() else stars
    bright = chosen[chosen["snr"] > BRIGHT_SNR]
    chosen = bright if bright.size else chosen
    places = np.column_stack([stars["x"], stars["y"]])
    here = np.column_stack([chosen["x"], chosen["y"]])
    reach = 1.5 * RADII[-1] * fwhm
    near = cKDTree(places).query_ball_point(here, reach, return_length=True)
    alone = chosen[near == 1]
    chosen = alone if alone.size else chosen
    return chosen[np.argsort(-chosen["snr"])][:MOST_STARS]


def apertures(
    frame: CalibratedFrame, stars: Stars, radii: Iterable[float]
) -> Iterator[tuple[Floats, Floats]]:
    """Give, per radius in px, the light in circles and its error against sky and photons, ADU.

    Masked pixels are left out and their area made good.
    """
    x, y = (np.ascontiguousarray(stars[name]) for name in ("x", "y"))
    bad = frame.mask != 0
    for radius in radii:
        light, error, _ = sep.sum_circle(
            frame.pixels,
            x,
            y,
            radius,
            err=frame.noise,
            gain=frame.gain,
            mask=bad,
            subpix=SUBPIXELS,
        )
        yield np.asarray(light), np.asarray(error)
