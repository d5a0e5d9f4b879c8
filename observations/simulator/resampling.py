"""A finished frame moved by a part of a pixel, as every frame of a survey's stack was."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from observations.simulator.exposure import Conditions, Exposure

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Spline = Literal[1, 3]

# Wider than a dead column, so that its neighbours outvote it.
PATCH_PX = 5


@dataclass(frozen=True)
class Move:
    """By how much (px along x, y) and with which spline: 1 is bilinear, 3 cubic."""

    shift: tuple[float, float]
    order: Spline

    def before(self, conditions: Conditions) -> Conditions:
        """Give the conditions under which to expose, so that the move ends in ``conditions``."""
        x, y = conditions.pointing.shift
        shift = (x - self.shift[0], y - self.shift[1])
        return replace(conditions, pointing=replace(conditions.pointing, shift=shift))

    def values(self, image: npt.NDArray[np.floating]) -> FloatArray:
        """Interpolate an image."""
        return np.asarray(
            ndimage.shift(image.astype(float), self.shift[::-1], order=self.order, mode="nearest")
        )

    def touched(self, flags: BoolArray) -> BoolArray:
        """Say which new pixels lie between pixels of which one is flagged."""
        moved = ndimage.shift(flags.astype(float), self.shift[::-1], order=1, mode="nearest")
        return np.asarray(moved > TOUCH)


# Less than this share of a pixel is rounding.
TOUCH = 1e-6


def draw_move(rng: np.random.Generator, order: Spline) -> Move:
    """Draw a move of up to half a pixel along each axis."""
    x, y = rng.uniform(-0.5, 0.5, 2)
    return Move((float(x), float(y)), order)


def resample(exposure: Exposure, move: Move, conditions: Conditions) -> Exposure:
    """Interpolate a finished frame to the grid of ``conditions``.

    Noise becomes correlated, stars and cosmic rays broader. Pixels beside a saturated one are
    saturated; those beside a defect, which surveys know, hold no data (NaN).
    """
    patched = np.where(
        exposure.is_bad, ndimage.median_filter(exposure.pixels, PATCH_PX), exposure.pixels
    )
    pixels = move.values(patched)
    is_saturated, is_bad = move.touched(exposure.is_saturated), move.touched(exposure.is_bad)
    pixels[is_saturated] = conditions.parameters.saturation_adu
    pixels[is_bad] = np.nan
    return Exposure(
        conditions,
        pixels.astype(np.float32),
        move.values(exposure.light).astype(np.float32),
        is_saturated & ~is_bad,
        is_bad,
        move.touched(exposure.is_cosmic),
    )
