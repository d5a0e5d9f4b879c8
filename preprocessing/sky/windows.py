"""Gaussian windows that move and widen until they fit an object: centroid, flux, width, shape."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from preprocessing.calibrated import Pixels

Floats = NDArray[np.float64]

SMALLEST_HALF_STAMP_PX, LARGEST_HALF_STAMP_PX = 7, 30
WINDOW_ITERATIONS = 15
# Window width over object width, squared. The matched window centres best. In a narrower one a
# Moffat profile shows about the width of its half maximum, not 13 % more for its wings. A Gaussian
# shows its own width in any.
MATCHED, NARROW = 1.0, 0.35
NARROW_ITERATIONS = 6
# In narrower ones the width of a star of FWHM 2 px would depend on its place within the pixel.
LEAST_WINDOW_PX = 0.85
# A single bright pixel is 0.3 px wide: nothing that optics made.
LEAST_SIGMA_PX, GREATEST_SIGMA_PX = 0.4, 12.0


@dataclass
class Windows:
    """Gaussian windows, one per object, that move and widen until they fit it.

    ``sigma`` is the width of the object, ``width`` that of its window, ``signal`` the weighted
    sum of its pixels, ``weight_power`` the sum of squared weights.
    """

    x: Floats
    y: Floats
    sigma: Floats
    signal: Floats
    weight_power: Floats
    ellipticity: Floats
    relative_area: float = MATCHED

    @property
    def width(self) -> Floats:
        """Width of the window, px."""
        return np.asarray(np.maximum(np.sqrt(self.relative_area) * self.sigma, LEAST_WINDOW_PX))

    @property
    def share(self) -> Floats:
        """Share of flux and of offset that a Gaussian object shows in its window."""
        return np.asarray(self.width**2 / (self.width**2 + self.sigma**2))


def match_windows(pixels: Pixels, x: Floats, y: Floats, sigma: float) -> tuple[Windows, Floats]:
    """Move and widen a round Gaussian window over each object until it fits.

    Gives the matched windows, and the width of each object's core as a narrow window shows it.

    A Gaussian object shows the same share of its flux and of its offset from the window's centre;
    inverse variances of object and window add up: both give the next step.
    """
    half = int(np.clip(np.ceil(4 * sigma), SMALLEST_HALF_STAMP_PX, LARGEST_HALF_STAMP_PX))
    corner_x, corner_y = np.rint(x).astype(int) - half, np.rint(y).astype(int) - half
    stamps = cut(pixels, corner_x, corner_y, 2 * half + 1)
    steps = np.arange(2 * half + 1)
    at = Windows(
        x - corner_x,
        y - corner_y,
        np.full(x.size, sigma),
        np.zeros(x.size),
        np.zeros(x.size),
        np.zeros(x.size),
    )
    for _ in range(WINDOW_ITERATIONS):
        step(at, stamps, steps)
    core = replace(at, relative_area=NARROW)
    for _ in range(NARROW_ITERATIONS):
        step(core, stamps, steps)
    at.x, at.y = at.x + corner_x, at.y + corner_y
    return at, core.sigma


def cut(pixels: Pixels, left: NDArray[np.intp], bottom: NDArray[np.intp], side: int) -> Floats:
    """Give (n, side, side) stamps; zero beyond the frame."""
    padded = np.pad(pixels, side)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side))
    return np.asarray(windows[bottom + side, left + side], dtype=np.float64)


def step(at: Windows, stamps: Floats, steps: NDArray[np.intp]) -> None:
    """Do one iteration for all windows, in place."""
    width, share = at.width, at.share
    dx, dy = steps - at.x[:, None], steps - at.y[:, None]
    gauss_x = np.exp(-0.5 * (dx / width[:, None]) ** 2)
    gauss_y = np.exp(-0.5 * (dy / width[:, None]) ** 2)
    # Moments along x of each row, once for all moments along y.
    rows = [np.einsum("nyx,nx->ny", stamps, gauss_x * dx**power) for power in range(3)]

    def moment(power_x: int, power_y: int) -> Floats:
        return np.asarray((rows[power_x] * gauss_y * dy**power_y).sum(axis=1))

    signal = moment(0, 0)
    total = np.where(signal > 0, signal, np.inf)
    mean_x, mean_y = moment(1, 0) / total, moment(0, 1) / total
    xx, yy = moment(2, 0) / total - mean_x**2, moment(0, 2) / total - mean_y**2
    xy = moment(1, 1) / total - mean_x * mean_y
    at.signal, at.weight_power = signal, (gauss_x**2).sum(1) * (gauss_y**2).sum(1)
    at.ellipticity = shape(xx, yy, xy, width)
    at.x, at.y = at.x + np.clip(mean_x, -1, 1) / share, at.y + np.clip(mean_y, -1, 1) / share
    at.sigma = unweighted(0.5 * (xx + yy), width)


def unweighted(moment: Floats, width: Floats) -> Floats:
    """Give the sigma of the Gaussian that shows ``moment`` inside a window of ``width``."""
    # At or above width^2 the object is no Gaussian in this window: widen by the largest step.
    bounded = np.clip(moment, 0.05 * width**2, 0.9 * width**2)
    wider = np.sqrt(1 / (1 / bounded - 1 / width**2))
    return np.clip(wider, LEAST_SIGMA_PX, GREATEST_SIGMA_PX)


def shape(xx: Floats, yy: Floats, xy: Floats, width: Floats) -> Floats:
    """Give 1 - b/a of the Gaussian that shows these moments inside a window of ``width``."""
    mean, spread = 0.5 * (xx + yy), np.hypot(0.5 * (xx - yy), xy)
    return np.asarray(1 - unweighted(mean - spread, width) / unweighted(mean + spread, width))
