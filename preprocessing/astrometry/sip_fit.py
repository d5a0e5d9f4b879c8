"""Fit a TAN-SIP solution to stars whose pixels and places on the sky are known."""

from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS, Sip
from astropy.wcs.utils import pixel_to_skycoord

from preprocessing.astrometry.matching import (
    Floats,
    Offsets,
    best_smooth,
    fit_smooth,
    held_out,
    terms,
)
from preprocessing.astrometry.transform import Shape

HIGHEST_ORDER = 4
# Leave-one-out residuals are the guard; distortions exceed centroid errors a hundredfold.
STARS_PER_TERM = 1.3
# A solution of another kind is first put into SIP of this order, on so many pixels a side.
SIP_ORDER, GRID = 5, 33
LARGEST_MISFIT_PX = 0.02
# Less is no distortion.
STRAIGHT_PX = 1e-5
# The inverse of a polynomial is none: it needs more orders to come near.
INVERSE_ORDERS = 2
# Moving the tangent point turns the axes a little: each round leaves the square of what was left.
MOST_ROUNDS = 8
SETTLED_PX = 1e-6


@dataclass(frozen=True, eq=False)
class SkyFit:
    """A solution and how well stars bear it out.

    Attributes
    ----------
    wcs : astropy.wcs.WCS
        TAN, or TAN-SIP from order 2 on, in ICRS.
    order : int
        Of the polynomial that the stars added to the start; -1 when they add nothing to it.
    kept : (n,) bool array
        Stars that the fit rests on.
    held_out : (k, 2) array
        What the kept stars are off, arcsec east and north, each predicted from the others.
    scatter_px : float
        What they scatter beyond their stated errors, px per axis.
    """

    wcs: WCS
    order: int
    kept: np.ndarray
    held_out: Floats
    scatter_px: float


def fit_sky(pixels: Floats, sky: Floats, error: Floats, start: WCS, shape: Shape) -> SkyFit:
    """Give the TAN-SIP solution of stars, of the order that leave-one-out residuals justify.

    Parameters
    ----------
    pixels : (n, 2) array
        0-based x, y.
    sky : (n, 2) array
        Right ascension and declination, degrees ICRS.
    error : (n,) array
        Error of a star's place, px per axis: centroid and catalogue together.
    start : astropy.wcs.WCS
        A rough solution, of any projection.
    shape : (int, int)
        Rows and columns of the frame; its middle becomes the tangent point.

    Raises
    ------
    ValueError
        If the stars hold no solution.

    References
    ----------
    Shupe et al. 2005, ASP Conf. 347, 491, equations 1 to 4 (SIP).
    """
    wcs = as_sip(start, shape)
    offsets = offsets_from(wcs, pixels, sky, error, shape)
    order = best_smooth(offsets, HIGHEST_ORDER, STARS_PER_TERM).order
    for _ in range(MOST_ROUNDS):
        smooth, weighted = fit_smooth(offsets, order)
        added = per_pixel(smooth.coefficients, order, shape)
        wcs = with_polynomial(wcs, added, shape)
        if np.hypot(*added[:, 0, 0]) < SETTLED_PX:
            break
        offsets = offsets_from(wcs, pixels, sky, error, shape)
    else:
        raise ValueError(
            f"the tangent point still moves by {np.hypot(*added[:, 0, 0]):.2g} px after "
            f"{MOST_ROUNDS} fits to {len(pixels)} stars: they hold no solution of order {order}"
        )
    _, left = held_out(weighted, order, smooth.kept)
    return SkyFit(wcs, order, smooth.kept, left @ wcs.wcs.cd.T * 3600, weighted.scatter)


def icrs(wcs: WCS, pixels: Floats) -> Floats:
    """Give right ascension and declination, degrees ICRS, of (n, 2) 0-based pixels."""
    there = pixel_to_skycoord(pixels[:, 0], pixels[:, 1], wcs, origin=0, mode="all").icrs
    return np.column_stack([there.ra.deg, there.dec.deg])


def tangential(crval: Floats, crpix: Floats, cd: Floats) -> WCS:
    """Give a plain tangential projection in ICRS; ``crpix`` is 1-based."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cunit = ["deg", "deg"]
    wcs.wcs.radesys = "ICRS"
    wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cd = crval, crpix, cd
    wcs.wcs.set()
    return wcs


def tangent_plane(start: WCS, shape: Shape) -> WCS:
    """Give the tangential projection that is nearest to a solution over the frame."""
    height, width = shape
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    across, up = np.meshgrid(np.linspace(-0.5, 0.5, 5) * width, np.linspace(-0.5, 0.5, 5) * height)
    arms = np.column_stack([across.ravel(), up.ravel()])
    crval = icrs(start, middle[None])[0]
    plane = tangential(crval, np.zeros(2), np.eye(2)).wcs_world2pix(icrs(start, middle + arms), 1)
    design = np.column_stack([np.ones(len(arms)), arms])
    cd = np.linalg.lstsq(design, plane, rcond=None)[0][1:].T
    return tangential(crval, middle + 1, cd)


def as_sip(start: WCS, shape: Shape) -> WCS:
    """Put any solution into TAN-SIP, tangent in the middle of the frame, in ICRS.

    Raises
    ------
    ValueError
        If no polynomial follows its distortion.
    """
    plane = tangent_plane(start, shape)
    pixels = pixel_grid(shape)
    bend = plane.wcs_world2pix(icrs(start, pixels), 0) - pixels
    if np.abs(bend).max() < STRAIGHT_PX:
        return plane
    design = terms(*scaled(pixels, shape), SIP_ORDER)
    found = np.linalg.lstsq(design, bend, rcond=None)[0]
    misfit = float(np.abs(bend - design @ found).max())
    if misfit > LARGEST_MISFIT_PX:
        raise ValueError(
            f"no polynomial of order {SIP_ORDER} follows the distortion of this WCS: it leaves "
            f"{misfit:.3g} px, {LARGEST_MISFIT_PX:g} px is allowed; cut the frame into parts"
        )
    return with_polynomial(plane, per_pixel(found, SIP_ORDER, shape), shape)


def pixel_grid(shape: Shape) -> Floats:
    """Give (n, 2) pixels evenly spread over a frame, border included."""
    x, y = (np.linspace(-0.5, side - 0.5, GRID) for side in (shape[1], shape[0]))
    return np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)


def scaled(pixels: Floats, shape: Shape) -> tuple[Floats, Floats]:
    """Scale 0-based pixels so that the frame runs from -1 to 1."""
    return (2 * pixels[:, 0] + 1) / shape[1] - 1, (2 * pixels[:, 1] + 1) / shape[0] - 1


def offsets_from(wcs: WCS, pixels: Floats, sky: Floats, error: Floats, shape: Shape) -> Offsets:
    """Give where stars are on the tangent plane, px, minus where the solution puts them."""
    focal = wcs.wcs_world2pix(sky, 0)
    return Offsets(*scaled(pixels, shape), focal - wcs.pix2foc(pixels, 0), error)


def per_pixel(coefficients: Floats, order: int, shape: Shape) -> Floats:
    """Give the coefficients (2, k, k) of powers of pixels from the middle of the frame."""
    cube = np.zeros((2, max(order, 1) + 1, max(order, 1) + 1))
    for (i, j), value in zip(powers(order), coefficients, strict=True):
        cube[:, i, j] = value * (2 / shape[1]) ** i * (2 / shape[0]) ** j
    return cube


def powers(order: int) -> list[tuple[int, int]]:
    """Give the powers of x and y, ordered as :func:`preprocessing.astrometry.matching.terms`."""
    return [(i, j) for i in range(order + 1) for j in range(order + 1 - i)]


def with_polynomial(wcs: WCS, added: Floats, shape: Shape) -> WCS:
    """Add a polynomial to a solution: its shift to CRVAL, its slope to CD, the rest to SIP."""
    crpix, total = np.asarray(wcs.wcs.crpix), added
    if wcs.sip is not None:
        total = grown(added, wcs.sip.a.shape[0]) + grown(
            np.stack([wcs.sip.a, wcs.sip.b]), added.shape[1]
        )
    shift, slope = total[:, 0, 0], np.eye(2) + np.column_stack([total[:, 1, 0], total[:, 0, 1]])
    bend = np.einsum("ij,jkl->ikl", np.linalg.inv(slope), total)
    bend[:, [0, 1, 0], [0, 0, 1]] = 0
    crval = wcs.wcs_pix2world([crpix + shift], 1)[0]
    moved = tangential(crval, crpix, wcs.wcs.cd @ slope)
    if bend.any():
        moved.wcs.ctype = ["RA---TAN-SIP", "DEC--TAN-SIP"]
        moved.sip = Sip(*bend, *inverse(bend, shape), crpix)
        moved.wcs.set()
    return moved


def grown(cube: Floats, side: int) -> Floats:
    """Pad coefficients with zeros up to ``side`` powers."""
    more = max(0, side - cube.shape[1])
    return np.pad(cube, ((0, 0), (0, more), (0, more)))


def inverse(bend: Floats, shape: Shape) -> Floats:
    """Fit the polynomials AP and BP, of higher order, that lead back to pixels."""
    size = np.array([shape[1], shape[0]])
    here = pixel_grid(shape) - (size - 1) / 2
    rising = np.arange(bend.shape[1])
    away = np.einsum(
        "aij,ni,nj->na", bend, here[:, :1] ** rising, here[:, 1:] ** rising, optimize=True
    )
    order = len(rising) - 1 + INVERSE_ORDERS
    x, y = (2 * (here + away) / size).T
    design = terms(x, y, order)
    found = np.linalg.lstsq(design, -away, rcond=None)[0]
    return per_pixel(found, order, shape)
