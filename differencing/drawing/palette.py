"""Colours of pictures of the sky: greys for light, two colours for change."""

import numpy as np
from numpy.typing import NDArray

from differencing.subtraction.noise import FloatArray

Pixels = NDArray[np.uint8]

STEPS = 48  # of a shade from 0 to 1: finer ones are not seen, and take twice the bytes
NO_DATA = (38, 42, 50)
# Blue where fainter, near white where nothing changed, orange where brighter.
BLUE, PALE, ORANGE = (24, 84, 168), (247, 246, 243), (214, 96, 10)


def grey(shade: FloatArray) -> Pixels:
    """Paint shades from 0 (black) to 1 (white); NaN gets the colour of missing data."""
    return _painted(np.repeat(255 * _stepped(shade)[..., None], 3, axis=-1))


def diverging(shade: NDArray[np.floating]) -> Pixels:
    """Paint shades from -1 (blue) over 0 (pale) to 1 (orange); NaN as missing data."""
    strength = _stepped(np.abs(shade))[..., None]
    orange, blue = np.array(ORANGE, float), np.array(BLUE, float)
    end = np.where(np.expand_dims(np.signbit(shade), -1), blue, orange)
    return _painted(np.array(PALE, float) * (1 - strength) + end * strength)


def _stepped(shade: FloatArray) -> NDArray[np.floating]:
    return np.asarray(np.rint(np.clip(shade, 0, 1) * STEPS) / STEPS)


def _painted(colour: FloatArray) -> Pixels:
    missing: NDArray[np.bool_] = np.isnan(colour[..., 0])
    pixels = np.rint(np.where(np.expand_dims(missing, -1), 0, colour)).astype(np.uint8)
    pixels[missing] = NO_DATA
    return pixels
