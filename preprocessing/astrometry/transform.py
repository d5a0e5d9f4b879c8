"""A smooth map from the pixels of one frame to those of another, held on a coarse lattice."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray
from scipy.interpolate import RectBivariateSpline

from preprocessing.astrometry.similarity import Similarity

Floats = NDArray[np.float64]
Shape = tuple[int, int]

# Bicubic splines through nodes this far apart follow TPV and SIP polynomials to < 1e-4 px.
LATTICE_STEP_PX = 64
# Between pixels this far apart the map is a straight line.
FINE_STEP_PX = 4
# A distortion polynomial means nothing far outside the frame it was fitted on.
TRUSTED_MARGIN = 0.1
INVERSION_STEPS = 50
INVERSION_ERROR_PX = 1e-5


@dataclass(frozen=True, eq=False)
class Transform:
    """Where each pixel of the grid lies in the science frame; 0-based pixels on both sides.

    Attributes
    ----------
    nodes_x, nodes_y : (kx,), (ky,) arrays
        Grid pixels of the lattice.
    science_x, science_y : (ky, kx) arrays
        Their places in the science frame.
    """

    nodes_x: Floats
    nodes_y: Floats
    science_x: Floats
    science_y: Floats

    @cached_property
    def splines(self) -> tuple[RectBivariateSpline, RectBivariateSpline]:
        """Interpolate both coordinates with bicubic splines, first argument y."""
        x, y = (
            RectBivariateSpline(self.nodes_y, self.nodes_x, values)
            for values in (self.science_x, self.science_y)
        )
        return x, y

    def __call__(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Give the science pixels of scattered grid pixels."""
        spline_x, spline_y = self.splines
        return spline_x.ev(y, x), spline_y.ev(y, x)

    def dense(self, rows: Floats, columns: Floats) -> tuple[Floats, Floats]:
        """Give the science x and y of every pixel of ``rows`` times ``columns``."""
        spline_x, spline_y = self.splines
        return spline_x(rows, columns), spline_y(rows, columns)

    def fine(
        self, top: int, shape: Shape, offset: tuple[float, float] = (0.0, 0.0)
    ) -> tuple[Floats, Floats, Floats]:
        """Give science x and y of every pixel of ``shape`` from row ``top`` on, and its area.

        Straight lines between every fourth pixel: the bend of a distortion within 4 px is below
        1e-4 px where it is not above 5 px over a thousand. ``offset`` (y, x) moves the grid.
        """
        rows, columns = (
            start + FINE_STEP_PX * np.arange(-(-side // FINE_STEP_PX) + 1.0)
            for start, side in zip((top + offset[0], offset[1]), shape, strict=True)
        )
        knots = (*self.dense(rows, columns), self.area(rows, columns))
        x, y, area = (straight(straight(one.T).T)[: shape[0], : shape[1]] for one in knots)
        return x, y, area

    def area(self, rows: Floats, columns: Floats) -> Floats:
        """Give the area of grid pixels in science pixels: the Jacobian determinant."""
        x, y = self.splines
        # The splines' first argument is y: their dy is the derivative along x.
        xu, xv = x(rows, columns, dy=1), x(rows, columns, dx=1)
        yu, yv = y(rows, columns, dy=1), y(rows, columns, dx=1)
        return np.asarray(np.abs(xu * yv - xv * yu))

    def moved(self, dx: Floats | float, dy: Floats | float) -> "Transform":
        """Give the same map with science pixels moved; arrays hold one value per node."""
        return replace(self, science_x=self.science_x + dx, science_y=self.science_y + dy)

    def affine(self) -> Floats:
        """Give the (2, 3) matrix from grid x, y, 1 to science x, y that is nearest to the map."""
        x, y = np.meshgrid(self.nodes_x, self.nodes_y)
        design = np.column_stack([x.ravel(), y.ravel(), np.ones(x.size)])
        science = np.column_stack([self.science_x.ravel(), self.science_y.ravel()])
        return np.asarray(np.linalg.lstsq(design, science, rcond=None)[0].T)

    def off_identity(self, shape: Shape) -> float:
        """Give the largest distance, px, between a grid pixel and its science pixel."""
        rows, columns = (np.linspace(0, side - 1, 33) for side in shape)
        x, y = self.dense(rows, columns)
        return float(np.hypot(x - columns, y - rows[:, None]).max())


def wcs_transform(grid: WCS, shape: Shape, science: WCS, science_shape: Shape) -> Transform:
    """Give the map from grid to science pixels that the two WCS imply.

    Astropy is asked only at the nodes of a lattice; TAN, SIP and TPV alike.

    Raises
    ------
    ValueError
        If the two footprints are apart, or a WCS cannot be evaluated or inverted.
    """
    nodes_y, nodes_x = (lattice(side) for side in shape)
    x, y = np.meshgrid(nodes_x, nodes_y)
    sky = grid.all_pix2world(np.column_stack([x.ravel(), y.ravel()]), 0)
    if not np.isfinite(sky).all():
        raise ValueError("the WCS of the reference grid gives no position for some of its pixels")
    science_pixels = sky_to_pixel(science, science_shape, sky)
    science_x, science_y = science_pixels.T.reshape(2, *x.shape)
    return Transform(nodes_x, nodes_y, science_x, science_y)


def similar_transform(similarity: Similarity, shape: Shape) -> Transform:
    """Give the map from grid to science pixels that a similarity implies."""
    nodes_y, nodes_x = (lattice(side) for side in shape)
    x, y = np.meshgrid(nodes_x, nodes_y)
    mapped = similarity(np.column_stack([x.ravel(), y.ravel()]))
    science_x, science_y = mapped.T.reshape(2, *x.shape)
    return Transform(nodes_x, nodes_y, science_x, science_y)


def straight(knots: Floats) -> Floats:
    """Put evenly spaced points on the lines between knots along the last axis, but the last."""
    knots = np.ascontiguousarray(knots)
    share = np.arange(FINE_STEP_PX) / FINE_STEP_PX
    steps = np.diff(knots, axis=-1)[..., None] * share
    steps += knots[..., :-1, None]
    return steps.reshape(*knots.shape[:-1], -1)


def lattice(side: int) -> Floats:
    """Give evenly spaced nodes from just before the first to just after the last pixel."""
    count = max(5, int(np.ceil(side / LATTICE_STEP_PX)) + 2)
    return np.linspace(-2.0, side + 1.0 + FINE_STEP_PX, count)


def sky_to_pixel(wcs: WCS, shape: Shape, sky: Floats) -> Floats:
    """Give the 0-based pixels of sky positions, inverting SIP distortions by iteration.

    Outside the frame the distortion of its (slightly widened) border holds, so that the map stays
    smooth and the inversion converges where the polynomial itself runs away.
    """
    undistorted = np.asarray(wcs.wcs_world2pix(sky, 0), dtype=float)
    if not np.isfinite(undistorted).all():
        raise ValueError("the WCS of the science frame cannot be inverted over the reference grid")
    if not wcs.has_distortion:
        return undistorted
    limits = [(-TRUSTED_MARGIN * n, (1 + TRUSTED_MARGIN) * n) for n in (shape[1], shape[0])]
    lower, upper = np.array(limits).T
    pixels = undistorted
    for _ in range(INVERSION_STEPS):
        near = np.clip(pixels, lower, upper)
        better = undistorted - (wcs.pix2foc(near, 0) - near)
        change = float(np.abs(better - pixels).max())
        pixels = better
        if change < INVERSION_ERROR_PX:
            return np.asarray(pixels)
    raise ValueError(
        f"the distortion of the science WCS does not invert (still {change:.2g} px after "
        f"{INVERSION_STEPS} steps): its polynomial is not that of this frame"
    )
