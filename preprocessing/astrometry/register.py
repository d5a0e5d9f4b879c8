"""Register a frame to the pixel grid of a reference: by WCS or star patterns, then star by star."""

import logging
from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from preprocessing.astrometry.asterisms import recognise
from preprocessing.astrometry.footprint import (
    check_footprints,
    covered_share,
    pixel_scale_arcsec,
    within,
)
from preprocessing.astrometry.matching import Smooth, match_nearest
from preprocessing.astrometry.registration import Registration
from preprocessing.astrometry.transform import Shape, Transform, similar_transform, wcs_transform
from preprocessing.astrometry.voting import vote_shift
from preprocessing.calibrated import CalibratedFrame
from preprocessing.parameters import PreprocessParameters
from preprocessing.raw.pairing import StarLists, pair_stars
from preprocessing.stars import Stars, find_stars

logger = logging.getLogger(__name__)
Floats = NDArray[np.float64]

# A star that two frames show lies within this of where the transform expects it; the brightest
# ones compare the flux scales.
SAME_STAR_PX = 1.5
MOST_COMPARED = 100


@dataclass(frozen=True, eq=False)
class Grid:
    """The pixel grid that frames are brought to, and the stars on it."""

    wcs: WCS
    shape: Shape
    stars: Stars


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
    science: CalibratedFrame,
    grid: Grid,
    parameters: PreprocessParameters,
    *,
    stars: Stars | None = None,
) -> Registration:
    """Find where the pixels of ``grid`` lie in ``science``.

    The first guess is the mapping by WCS (TAN, SIP or TPV) where both have one, else the
    similarity that the patterns of the brighter stars show. Matched stars refine it with a
    polynomial, as far as leave-one-out residuals justify one.

    Raises
    ------
    ValueError
        If the footprints are apart, the patterns differ, too few stars match, or the residual is
        above ``parameters.max_residual_px``.
    """
    found = stars_of(science, parameters) if stars is None else stars
    is_by_wcs = science.wcs.has_celestial and grid.wcs.has_celestial
    first = guess_by_wcs(science, grid) if is_by_wcs else guess_by_patterns(found, grid, parameters)
    overlap = covered_share(first, grid.shape, science.shape)
    check_overlap(overlap, parameters)
    smooth = match_stars(first, grid, found, science.shape, parameters)
    check_stars(smooth, parameters)
    transform = refined(first, smooth, grid.shape)
    n_stars = int(smooth.kept.sum())
    trust = n_stars / (n_stars + parameters.min_stars)
    same_shape = grid.shape == science.shape
    return Registration(
        transform=transform,
        is_by_wcs=is_by_wcs,
        residual_rms_px=smooth.rms,
        residual_rms_arcsec=smooth.rms * pixel_scale_arcsec(science.wcs, science.shape)
        if science.wcs.has_celestial
        else None,
        first_rms_px=smooth.first_rms,
        n_stars=n_stars,
        smooth=smooth,
        quality=(1 - smooth.rms / parameters.max_residual_px) * trust,
        overlap=overlap,
        flux_ratio=flux_ratio(grid.stars, found, transform),
        is_identity=same_shape and transform.off_identity(grid.shape) < parameters.identity_px,
        grid_wcs=grid.wcs,
    )


def flux_ratio(known: Stars, found: Stars, transform: Transform) -> float:
    """Give the flux of stars in the ADU of the grid over that in those of the frame: the median."""
    expected = np.column_stack(transform(known["x"], known["y"]))
    here, there = match_nearest(expected, positions(found), SAME_STAR_PX)
    bright = np.minimum(known["snr"][here], found["snr"][there])
    best = np.argsort(-bright)[:MOST_COMPARED]
    return float(np.median(known["flux"][here][best] / found["flux"][there][best]))


def guess_by_wcs(science: CalibratedFrame, grid: Grid) -> Transform:
    """Give the mapping that both WCS imply."""
    check_footprints(science.wcs, science.shape, grid.wcs, grid.shape)
    return wcs_transform(grid.wcs, grid.shape, science.wcs, science.shape)


def guess_by_patterns(found: Stars, grid: Grid, parameters: PreprocessParameters) -> Transform:
    """Give the similarity that the patterns of the stars show."""
    same = recognise(positions(grid.stars), positions(found), least=parameters.min_stars)
    logger.info(
        "recognised the field by %d stars (%.1f by chance): scale %.5f, turned by %.3f deg%s",
        same.first.size,
        same.expected,
        same.similarity.scale,
        same.similarity.rotation_deg,
        ", mirrored" if same.similarity.is_mirrored else "",
    )
    return similar_transform(same.similarity, grid.shape)


def check_overlap(overlap: float, parameters: PreprocessParameters) -> None:
    """Refuse a frame that hardly touches the grid."""
    if overlap < parameters.min_overlap:
        raise ValueError(
            f"the frame covers {overlap:.1%} of the reference grid, {parameters.min_overlap:.1%} "
            "is needed: choose a reference of this field"
        )


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
    if smooth.rms > smooth.first_rms:
        raise ValueError(
            f"registration would make residuals worse: {smooth.rms:.4f} px rms over {n_stars} "
            f"stars, each predicted from the others, {smooth.first_rms:.4f} px before: "
            "the stars of one frame are not those of the other, or move"
        )


def match_stars(
    first_guess: Transform,
    grid: Grid,
    found: Stars,
    science_shape: Shape,
    parameters: PreprocessParameters,
) -> Smooth:
    """Match the stars of the grid with those of the frame, and give how far a guess is off."""
    expected = np.column_stack(first_guess(grid.stars["x"], grid.stars["y"]))
    margin = parameters.search_radius_px
    inside = within(expected, science_shape, margin)
    check_counts(int(inside.sum()), found.size, parameters)
    known, expected = grid.stars[inside], expected[inside]
    lists = StarLists(
        expected,
        scale(known["x"], grid.shape[1]),
        scale(known["y"], grid.shape[0]),
        known["position_error"],
        positions(found),
        found["position_error"],
    )
    least = parameters.min_stars
    try:
        shift = vote_shift(expected, lists.found, margin, least)[0].shift
    except ValueError as error:
        raise ValueError(f"{error}; {as_patterns_say(expected, lists.found, least)}") from error
    return pair_stars(lists, shift=shift, widest=margin, least=least).smooth


def as_patterns_say(expected: Floats, found: Floats, least: int) -> str:
    """Say how stars lie that are not where a first guess expects them."""
    try:
        same = recognise(expected, found, least=least)
    except ValueError:
        return "their patterns do not match either"
    map_ = same.similarity
    shift = np.hypot(*(map_(expected) - expected)[same.first].mean(axis=0))
    return (
        f"by the patterns of {same.first.size} stars the pixels are turned by "
        f"{map_.rotation_deg:.1f} deg, {map_.scale:.3f} times as many and {shift:.0f} px off"
        f"{', and mirrored' if map_.is_mirrored else ''}"
    )


def check_counts(known: int, found: int, parameters: PreprocessParameters) -> None:
    """Refuse to match lists that are too short to check anything."""
    if min(known, found) < parameters.min_stars:
        raise ValueError(
            f"{known} reference and {found} science stars in the overlap, {parameters.min_stars} "
            "are needed to check a registration: lower star_threshold or use a deeper frame"
        )


def positions(stars: Stars) -> Floats:
    """Give (n, 2) pixels, x first."""
    return np.column_stack([stars["x"], stars["y"]])


def scale(pixel: Floats, side: int) -> Floats:
    """Scale 0-based pixels so that a side of the grid runs from -1 to 1."""
    return (2 * pixel + 1) / side - 1


def refined(first_guess: Transform, smooth: Smooth, shape: Shape) -> Transform:
    """Add the polynomial to the map's nodes; bicubic splines hold it exactly."""
    if smooth.order < 0:
        return first_guess
    x, y = np.meshgrid(scale(first_guess.nodes_x, shape[1]), scale(first_guess.nodes_y, shape[0]))
    return first_guess.moved(*smooth(x, y))
