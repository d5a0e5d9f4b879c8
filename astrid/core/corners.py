"""The corners of an area on the sky, degrees ICRS, and the circle round them."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Corners = Sequence[tuple[float, float]]

MOST_CORNERS = 200
WIDEST_DEG = 89.0


def circle_round(corners: Corners) -> tuple[float, float, float]:
    """Give the centre (ra, dec) and the radius of a circle round corners, degrees.

    Raises
    ------
    ValueError
        If there are fewer than 3 corners or more than 200, or they do not fit in half the sky.
    """
    if not 3 <= len(corners) <= MOST_CORNERS:
        raise ValueError(f"POLYGON has {len(corners)} corners; 3 to {MOST_CORNERS} are served")
    places = _vectors(corners)
    middle = places.mean(axis=1)
    middle /= max(np.linalg.norm(middle), 1e-12)
    farthest = math.degrees(math.acos(np.clip((middle @ places).min(), -1, 1)))
    if farthest >= WIDEST_DEG:
        raise ValueError("POLYGON is too wide: no corner may be 89 degrees from its middle or more")
    ra = math.degrees(math.atan2(middle[1], middle[0])) % 360
    return ra, math.degrees(math.asin(np.clip(middle[2], -1, 1))), farthest


def area_of(corners: Corners) -> float:
    """Give the area, square degrees, within corners that fit in half the sky.

    Reference: Van Oosterom & Strackee 1983, IEEE Trans. Biomed. Eng. 30, 125, eq. 8, of the
    triangles that the first corner makes with each side.
    """
    places = _vectors(corners).T
    first, b, c = places[0], places[1:-1], places[2:]
    volume = np.cross(b, c) @ first
    angles = np.arctan2(volume, 1 + b @ first + np.sum(b * c, axis=1) + c @ first)
    return float(abs(2 * angles.sum()) * np.degrees(1.0) ** 2)


def _vectors(corners: Corners) -> npt.NDArray[np.float64]:
    """Give the unit vectors of places, one in each column."""
    lon, lat = np.radians(np.transpose(corners))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
