"""Where frames lie on the sky, and how much of one covers another."""

import numpy as np
from astropy.coordinates import angular_separation
from astropy.wcs import WCS
from numpy.typing import NDArray

from preprocessing.astrometry.transform import Shape, Transform

Floats = NDArray[np.float64]


def within(places: Floats, shape: Shape, margin: float) -> NDArray[np.bool_]:
    """Say which (x, y) pixels lie in a frame widened by ``margin``."""
    size = np.array([shape[1], shape[0]])
    return np.asarray(((places > -margin - 0.5) & (places < size + margin - 0.5)).all(axis=1))


def covered_share(transform: Transform, shape: Shape, science_shape: Shape) -> float:
    """Give the share of the grid that falls on the science frame."""
    rows, columns = (np.linspace(0, side - 1, 129) for side in shape)
    x, y = transform.dense(rows, columns)
    return float(within(np.column_stack([x.ravel(), y.ravel()]), science_shape, 0.0).mean())


def check_footprints(wcs: WCS, shape: Shape, grid_wcs: WCS, grid_shape: Shape) -> None:
    """Refuse frames of different fields before any projection is inverted far from its centre."""
    for name, solution in (("science frame", wcs), ("reference grid", grid_wcs)):
        if not solution.has_celestial or solution.naxis != 2:
            raise ValueError(f"the {name} has no celestial WCS: solve its astrometry first")
    here, reach_here = circle(wcs, shape)
    there, reach_there = circle(grid_wcs, grid_shape)
    apart = float(np.degrees(angular_separation(*np.radians([*here, *there]))))
    if not apart < reach_here + reach_there:
        raise ValueError(
            f"no overlap: the frame is centred {apart:.4g} deg from the reference, their circles "
            f"reach {reach_here + reach_there:.4g} deg: choose a reference of this field"
        )


def circle(wcs: WCS, shape: Shape) -> tuple[Floats, float]:
    """Give the centre (ra, dec) and radius in degrees of the circle round a footprint."""
    height, width = shape
    corners = [(-0.5, -0.5), (width - 0.5, -0.5), (-0.5, height - 0.5), (width - 0.5, height - 0.5)]
    sky = wcs.all_pix2world(np.array([((width - 1) / 2, (height - 1) / 2), *corners]), 0)
    centre, around = np.radians(sky[0]), np.radians(sky[1:])
    reach = angular_separation(centre[0], centre[1], around[:, 0], around[:, 1])
    return sky[0], float(np.degrees(reach.max()))


def pixel_scale_arcsec(wcs: WCS, shape: Shape) -> float:
    """Give the side of a pixel at the frame's centre, as the root of its area."""
    x, y = (shape[1] - 1) / 2, (shape[0] - 1) / 2
    sky = np.radians(wcs.all_pix2world(np.array([(x, y), (x + 1, y), (x, y + 1)]), 0))
    steps = (sky[1:] - sky[0] + np.pi) % (2 * np.pi) - np.pi
    steps[:, 0] *= np.cos(sky[0, 1])
    return float(np.degrees(np.sqrt(abs(np.linalg.det(steps)))) * 3600)
