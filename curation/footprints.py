"""Whether a frame covers a place of the sky."""

from typing import Any

import numpy as np


def covers(footprint: Any, place: Any) -> bool:
    """Say whether a place lies inside the four corners [[ra, dec], ...] of a frame.

    Frames are small: corners are laid on the plane that touches the sky at the place.
    """
    if not footprint:
        return False
    ra, dec = np.radians(np.asarray(footprint, float)).T
    ra0, dec0 = np.radians([place.ra, place.dec])
    cosine = np.sin(dec0) * np.sin(dec) + np.cos(dec0) * np.cos(dec) * np.cos(ra - ra0)
    if (cosine <= 0).any():
        return False
    x = np.cos(dec) * np.sin(ra - ra0) / cosine
    y = (np.cos(dec0) * np.sin(dec) - np.sin(dec0) * np.cos(dec) * np.cos(ra - ra0)) / cosine
    # Inside a convex figure all corners turn the same way round the place.
    turns = x * np.roll(y, -1) - y * np.roll(x, -1)
    return bool((turns >= 0).all() or (turns <= 0).all())
