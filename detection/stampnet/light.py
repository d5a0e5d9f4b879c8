"""Shapes of light on a stamp: stars, galaxies, and coordinates to draw them with."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detection.stampnet.stamps import SIDE

FloatArray = NDArray[np.floating]

ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE] - SIDE // 2
PARTS = 3  # per pixel and axis, over which a profile is averaged
FINE = (np.arange(SIDE * PARTS) + 0.5) / PARTS - 0.5 - SIDE // 2


@dataclass(frozen=True)
class Shape:
    """An ellipse: its place (px from the middle of the stamp), axis ratio and angle."""

    x: float = 0.0
    y: float = 0.0
    axis_ratio: float = 1.0
    angle: float = 0.0


def radius(shape: Shape, *, fine: bool = False) -> FloatArray:
    """Give the elliptical radius of every pixel, px along the circle of equal area."""
    y, x = np.meshgrid(FINE, FINE, indexing="ij") if fine else (ROWS, COLUMNS)
    dx, dy = x - shape.x, y - shape.y
    along = (np.cos(shape.angle) * dx + np.sin(shape.angle) * dy) * np.sqrt(shape.axis_ratio)
    across = (np.cos(shape.angle) * dy - np.sin(shape.angle) * dx) / np.sqrt(shape.axis_ratio)
    return np.asarray(np.hypot(along, across))


def binned(values: FloatArray) -> FloatArray:
    """Average the parts of every pixel."""
    return np.asarray(values.reshape(SIDE, PARTS, SIDE, PARTS).mean(axis=(1, 3)))


def moffat(fwhm: float, beta: float, shape: Shape) -> FloatArray:
    """Give a star, 1 at its peak before pixels average it.

    References
    ----------
    Moffat 1969, A&A 3, 455.
    """
    core = fwhm / (2 * np.sqrt(2 ** (1 / beta) - 1))
    return binned((1 + (radius(shape, fine=True) / core) ** 2) ** -beta)


def sersic(half_light: float, index: float, shape: Shape) -> FloatArray:
    """Give a galaxy, 1 at its half-light radius, its centre softened.

    References
    ----------
    Sersic 1963; Ciotti & Bertin 1999, A&A 352, 447, eq. 18 to first order.
    """
    b = 2 * index - 1 / 3
    r = np.hypot(radius(shape, fine=True), 0.3)
    return binned(np.exp(-b * ((r / half_light) ** (1 / index) - 1)))
