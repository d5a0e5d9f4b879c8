"""How much of one footprint on the sky lies in another."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from preprocessing.calibrated import CalibratedFrame
from preprocessing.masks import MaskBit, has_bits

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Points along each side of a frame: shares are known to 0.1 %.
POINTS = 64
# Rounding of unit vectors: a frame covers itself.
EDGE = 1e-12


def polygon(corners: Sequence[Sequence[float]]) -> Floats:
    """Give the unit vectors, (n, 3), of corners (ra, dec) in degrees."""
    ra, dec = np.radians(np.asarray(corners, float)).T
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], -1)


def square(ra: float, dec: float, radius_deg: float) -> Floats:
    """Give the polygon of a square whose corners lie ``radius_deg`` from its centre."""
    centre = polygon([(ra, dec)])[0]
    east = polygon([(ra + 90, 0)])[0]
    north = np.cross(centre, east)
    angles = np.radians([45, 135, 225, 315])
    sideways = np.cos(angles)[:, None] * east + np.sin(angles)[:, None] * north
    radius = np.radians(radius_deg)
    return np.asarray(np.cos(radius) * centre + np.sin(radius) * sideways)


def points_in(frame: Floats) -> Floats:
    """Give points, (4096, 3), spread evenly over a frame of four corners in their order."""
    steps = (np.arange(POINTS) + 0.5) / POINTS
    along, down = (part.ravel()[:, None] for part in np.meshgrid(steps, steps))
    near = (1 - along) * frame[0] + along * frame[1]
    far = (1 - along) * frame[3] + along * frame[2]
    return np.asarray((1 - down) * near + down * far)


def inside(points: Floats, frame: Floats) -> Bools:
    """Say which points lie in a convex polygon of great circles, whichever way it turns."""
    normals = np.cross(frame, np.roll(frame, -1, axis=0))
    sides = points @ normals.T
    enclosed = (sides >= -EDGE).all(axis=1) | (sides <= EDGE).all(axis=1)
    return np.asarray(enclosed & (points @ frame.mean(axis=0) > 0))


def uncovered_share(science: CalibratedFrame, reference: CalibratedFrame) -> float:
    """Give the share of the science pixels with data where the reference has none."""
    taken = ~has_bits(science.mask, MaskBit.NO_DATA)
    missing = has_bits(reference.mask, MaskBit.NO_DATA)
    return float((taken & missing).sum() / max(int(taken.sum()), 1))
