"""Register a frame to the pixel grid of a reference: by WCS, then by the stars themselves."""

from dataclasses import dataclass, field

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from preprocessing.calibrated import CalibratedFrame
from preprocessing.footprint import check_footprints, covered_share, pixel_scale_arcsec, within
from preprocessing.matching import Offsets, Smooth, best_smooth, match_nearest, vote_shift
from preprocessing.parameters import PreprocessParameters
from preprocessing.stars import Stars, find_stars
from preprocessing.transform import Shape, Transform, wcs_transform

Floats = NDArray[np.float64]

# After voting, what a shift leaves over: a little rotation and scale.
FIRST_RADIUS_PX, SECOND_RADIUS_PX = 3.0, 1.5


@dataclass(frozen=True, eq=False)
class Grid:
    """The pixel grid that frames are brought to, and the stars on it."""

    wcs: WCS
    shape: Shape
    stars: Stars


@dataclass(frozen=True, eq=False)
class Registration:
    """How a science frame lies on the reference grid.

    Attributes
    ----------
    transform : Transform
        Grid pixel to science pixel.
    residual_rms_px, residual_rms_arcsec : float
        Cross-validated residual of the stars per axis, in science pixels and on the sky.
    wcs_rms_px : float
        The same for the mapping by WCS alone, before refinement by stars.
    n_stars : int
        Stars that the residual rests on.
    order : int
        Order of the polynomial refinement; -1 when the WCS alone was not improved upon.
    quality : float
        0 to 1: ``(1 - rms / max_residual) * n / (n + min_stars)``.
    overlap : float
        Share of the grid that the frame covers, 0 to 1.
    is_identity : bool
        The frame lies on the grid already: nothing is to be interpolated.
    grid_wcs : astropy.wcs.WCS
        WCS of the grid, which the registered frame takes on.
    """

    transform: Transform
    residual_rms_px: float
    residual_rms_arcsec: float
    wcs_rms_px: float
    n_stars: int
    order: int
    quality: float
    overlap: float
    is_identity: bool
    grid_wcs: WCS = field(repr=False)


def stars_of(frame: CalibratedFrame, parameters: PreprocessParameters) -> Stars:
    """Give the stars of a frame as the parameters ask for them."""
    return find_stars(
        frame.pixels,
        frame.noise,
        frame.mask,
        threshold=parameters.star_threshold,
        max_stars=parameters.max_stars,
        gain=frame.gain,
    )


def grid_of(frame: CalibratedFrame, parameters: PreprocessParameters) -> Grid:
    """Give the grid that a reference frame defines; measure it once for many frames."""
    return Grid(frame.wcs, frame.shape, stars_of(frame, parameters))


def register(
    science: CalibratedFrame, grid: Grid, parameters: PreprocessParameters
) -> Registration:
    """Find where the pixels of ``grid`` lie in ``science``.

    The mapping by WCS (TAN, SIP or TPV) is refined by matched stars with a polynomial, as far as
    leave-one-out residuals justify one.

    Raises
    ------
    ValueError
        If the footprints are apart, too few stars match, or the residual is above
        ``parameters.max_residual_px``.
    """
    check_footprints(science.wcs, science.shape, grid.wcs, grid.shape)
    by_wcs = wcs_transform(grid.wcs, grid.shape, science.wcs, science.shape)
    overlap = covered_share(by_wcs, grid.shape, science.shape)
    if overlap < parameters.min_overlap:
        raise ValueError(
            f"the frame covers {overlap:.1%} of the reference grid, {parameters.min_overlap:.1%} "
            "is needed: choose a reference of this field"
        )
    found = stars_of(science, parameters)
    offsets = match_stars(by_wcs, grid, found, science.shape, parameters)
    smooth = best_smooth(offsets)
    check_stars(smooth, parameters)
    return conclude(by_wcs, smooth, offsets, overlap, grid, science, parameters)


def conclude(
    by_wcs: Transform,
    smooth: Smooth,
    offsets: Offsets,
    overlap: float,
    grid: Grid,
    science: CalibratedFrame,
    parameters: PreprocessParameters,
) -> Registration:
    """Put mapping and figures together."""
    transform = refined(by_wcs, smooth, grid.shape)
    same_shape = grid.shape == science.shape
    n_stars = int(smooth.kept.sum())
    trust = n_stars / (n_stars + parameters.min_stars)
    return Registration(
        transform=transform,
        residual_rms_px=smooth.rms,
        residual_rms_arcsec=smooth.rms * pixel_scale_arcsec(science.wcs, science.shape),
        wcs_rms_px=weighted_rms(offsets, smooth),
        n_stars=n_stars,
        order=smooth.order,
        quality=(1 - smooth.rms / parameters.max_residual_px) * trust,
        overlap=overlap,
        is_identity=same_shape and transform.off_identity(grid.shape) < parameters.identity_px,
        grid_wcs=grid.wcs,
    )


def weighted_rms(offsets: Offsets, smooth: Smooth) -> float:
    """Give the rms per axis of the offsets that the WCS alone leaves, over the stars kept."""
    weight, d = offsets.weight[smooth.kept], offsets.d[smooth.kept]
    return float(np.sqrt((weight[:, None] * d**2).sum() / (2 * weight.sum())))


def check_stars(smooth: Smooth, parameters: PreprocessParameters) -> None:
    """Refuse a registration that too few stars check, or that they contradict."""
    n_stars = int(smooth.kept.sum())
    if n_stars < parameters.min_stars:
        raise ValueError(
            f"{n_stars} matched stars agree, {parameters.min_stars} are needed to check a "
            "registration: lower star_threshold or use a deeper frame"
        )
    if smooth.rms > parameters.max_residual_px:
        raise ValueError(
            f"registration leaves {smooth.rms:.3f} px rms over {n_stars} stars, at most "
            f"{parameters.max_residual_px:g} px is allowed: solve the frame's WCS again"
        )


def match_stars(
    by_wcs: Transform,
    grid: Grid,
    found: Stars,
    science_shape: Shape,
    parameters: PreprocessParameters,
) -> Offsets:
    """Match the stars of the grid with those of the frame, and give how far the WCS is off."""
    expected = np.column_stack(by_wcs(grid.stars["x"], grid.stars["y"]))
    margin = parameters.search_radius_px
    inside = within(expected, science_shape, margin)
    check_counts(int(inside.sum()), found.size, parameters)
    known, expected = grid.stars[inside], expected[inside]
    places = positions(found)
    shift = vote_shift(expected, places, margin, parameters.min_stars)
    guess = expected + shift
    for radius in (FIRST_RADIUS_PX, SECOND_RADIUS_PX):
        first, second = match_nearest(guess, places, radius)
        check_counts(first.size, second.size, parameters)
        offsets = offsets_of(known[first], found[second], expected[first], grid.shape)
        guess = expected + np.column_stack(best_smooth(offsets)(*scaled(known, grid.shape)))
    return offsets


def check_counts(known: int, found: int, parameters: PreprocessParameters) -> None:
    """Refuse to match lists that are too short to check anything."""
    if min(known, found) < parameters.min_stars:
        raise ValueError(
            f"{known} reference and {found} science stars in the overlap, {parameters.min_stars} "
            "are needed to check a registration: lower star_threshold or use a deeper frame"
        )


def offsets_of(known: Stars, found: Stars, expected: Floats, shape: Shape) -> Offsets:
    """Give the offsets of matched pairs."""
    x, y = scaled(known, shape)
    error = np.hypot(known["position_error"], found["position_error"])
    return Offsets(x, y, positions(found) - expected, error)


def positions(stars: Stars) -> Floats:
    """Give (n, 2) pixels, x first."""
    return np.column_stack([stars["x"], stars["y"]])


def scaled(stars: Stars, shape: Shape) -> tuple[Floats, Floats]:
    """Give the stars' grid pixels scaled to -1..1 over the grid."""
    return scale(stars["x"], shape[1]), scale(stars["y"], shape[0])


def scale(pixel: Floats, side: int) -> Floats:
    """Scale 0-based pixels so that a side of the grid runs from -1 to 1."""
    return (2 * pixel + 1) / side - 1


def refined(by_wcs: Transform, smooth: Smooth, shape: Shape) -> Transform:
    """Add the polynomial to the map's nodes; bicubic splines hold it exactly."""
    if smooth.order < 0:
        return by_wcs
    x, y = np.meshgrid(scale(by_wcs.nodes_x, shape[1]), scale(by_wcs.nodes_y, shape[0]))
    return by_wcs.moved(*smooth(x, y))
