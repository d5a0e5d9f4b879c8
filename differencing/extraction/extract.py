"""Candidates: what stands out of a difference, in either direction."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from differencing.extraction import brightness
from differencing.extraction.blends import part_blends
from differencing.extraction.interpolate import interpolate
from differencing.extraction.objects import find_rare_objects
from differencing.extraction.shapes import (
    Beam,
    ellipses,
    peak_offset,
    position_angle,
    psf_misfit,
    sky_places,
    value_at,
    window_half,
    windows,
)
from differencing.subtraction.noise import robust_sigma
from differencing.subtraction.subtract import Difference
from preprocessing.calibrated import CalibratedFrame
from preprocessing.masks import MaskBit, has_bits, lit_windows

Candidates = NDArray[np.void]

# name, type, unit, meaning
FIELDS = (
    ("x", "f8", "pix", "column, 0-based, of the peak of |S_corr|"),
    ("y", "f8", "pix", "row, 0-based, of the peak of |S_corr|"),
    ("ra", "f8", "deg", "right ascension, ICRS; NaN for frames without WCS"),
    ("dec", "f8", "deg", "declination, ICRS; NaN for frames without WCS"),
    ("flux", "f8", "adu", "PSF flux in the difference, science ADU, negative if fainter"),
    ("flux_error", "f8", "adu", "1-sigma error of flux, that of the PSF included"),
    *brightness.FIELDS,
    ("significance", "f8", "", "|S_corr| at the peak, sigma; of what neighbours leave if hidden"),
    ("snr", "f8", "", "|flux| / flux_error"),
    ("fwhm", "f8", "pix", "full width at half maximum in the difference"),
    ("ellipticity", "f8", "", "1 - minor / major axis, 0 to 1"),
    ("position_angle", "f8", "deg", "of the major axis, east of north, 0 to 180"),
    ("psf_misfit", "f8", "", "reduced chi square of a point source in the difference"),
    ("is_negative", "?", "", "fainter than in the reference"),
    ("is_saturated", "?", "", "a saturated pixel within one FWHM"),
    ("is_blended", "?", "", "measured together with, or merged with, a neighbour"),
    ("is_edge", "?", "", "the PSF core leaves the exposed area"),
    ("is_dipole", "?", "", "beside it a comparable peak of the other sign"),
    ("near_bright_star", "?", "", "within the wings of a star near saturation"),
    ("mask_bits", "u2", "", "all mask bits within one FWHM"),
)
DTYPE = np.dtype([(name, kind) for name, kind, _, _ in FIELDS])

SAMPLE_SIZE = 100_000  # pixels that the noise of D is measured on
DEBLEND_CONTRAST = 0.01  # of the score of both; what is less on a wing is looked for as a blend
MERGED = 1  # sep's flag of a deblended object
DIPOLE_REACH = 2.0  # FWHM between the peaks of a dipole
DIPOLE_SHARE = 0.35  # of the stronger peak that the weaker one must reach,
DIPOLE_SIGMA = 3.5  # and at least this: noise does not
HIDDEN_SHARE = 0.5  # of the core that may be without data of its own
HIDDEN = MaskBit.NO_DATA | MaskBit.BAD_PIXEL | MaskBit.COSMIC_RAY | MaskBit.TRAIL
BRIGHT_SHARE = 0.5  # of saturation: stars above it are bright
WING_REACH = 4.0  # FWHM around a bright star's core
STRIP_ROWS = 64


# What is found above the threshold and is no candidate: why, in words.
LEFT_OUT = {
    "merged": "a weaker peak within one FWHM of a stronger one, or the weaker half of a dipole",
    "hidden": "more than half of the core on missing, bad, cosmic-ray or trail pixels",
}


def extract(
    difference: Difference,
    science: CalibratedFrame,
    reference: CalibratedFrame,
    *,
    threshold: float,
) -> Candidates:
    """Find what exceeds ``threshold`` in |S_corr|, one candidate per source.

    What counts is the peak between the pixels: whether a source is found does not hang on where
    within a pixel it lies.

    Parameters
    ----------
    difference : Difference
        NaN pixels are left out.
    science, reference : CalibratedFrame
        The frames it was made of, for bright and saturated stars.
    threshold : float
        sigma.

    Returns
    -------
    (n,) structured array of :data:`DTYPE`
        In order of decreasing significance. A source whose core is more than half hidden by
        missing, bad, cosmic-ray or trail pixels is left out; a dipole is one candidate. Magnitudes
        need the zero point of ``difference``.

    Raises
    ------
    ValueError
        If ``threshold`` is not positive.
    """
    return extract_counted(difference, science, reference, threshold=threshold)[0]


def extract_counted(
    difference: Difference,
    science: CalibratedFrame,
    reference: CalibratedFrame,
    *,
    threshold: float,
) -> tuple[Candidates, dict[str, int]]:
    """Do as :func:`extract`; say, too, how many peaks each rule of :data:`LEFT_OUT` left out."""
    if not threshold > 0:
        raise ValueError(f"threshold must be positive, not {threshold}")
    beam = Beam.of(difference.psf)
    found = np.concatenate(
        [_find(difference, beam, sign, threshold) for sign in (np.float32(1), np.float32(-1))],
        dtype=DTYPE,  # else finding what fits both takes milliseconds
    )
    peaks = found[np.argsort(-found["significance"], kind="stable")]
    found = _merge(peaks, beam)
    merged = len(peaks) - len(found)
    if len(found):
        found = part_blends(
            found, difference.flux, difference.flux_error, difference.psf, threshold=threshold
        )
        found = found[np.argsort(-found["significance"], kind="stable")]
        found["flux_error"] = difference.error_with_psf(found["flux"], found["flux_error"])
        found["snr"] = np.abs(found["flux"]) / found["flux_error"]
        _measure_shapes(found, difference, beam)
        _flag_surroundings(found, difference, (science, reference), beam)
    brightness.set_magnitudes(found, difference.zero_point)
    hidden = _hidden(found, difference.mask, beam)
    return found[~hidden], {"merged": merged, "hidden": int(hidden.sum())}


def _find(difference: Difference, beam: Beam, sign: np.float32, threshold: float) -> Candidates:
    """Find and measure the candidates of one sign."""
    x, y, is_merged = _peaks(difference.significance, float(sign) * threshold * _least_share(beam))
    near = sign * windows(difference.significance, x, y, 1).astype(float)
    offset = peak_offset(near)
    height = value_at(near, offset)
    high = height >= threshold
    x, y, offset, is_merged = x[high], y[high], offset[high], is_merged[high]
    found = np.zeros(len(x), DTYPE)
    if not len(found):
        return found
    found["x"], found["y"] = (np.stack([x, y], 1) + offset).T
    found["significance"] = height[high]
    found["flux"] = _fluxes(difference.flux, x, y, offset)
    found["flux_error"] = difference.flux_error[y, x]
    found["snr"] = np.abs(found["flux"]) / found["flux_error"]
    found["is_negative"] = sign < 0
    found["is_blended"] = is_merged
    found["is_dipole"] = _has_opposite(difference.significance, x, y, sign, beam)
    return found


def _least_share(beam: Beam) -> float:
    """Give what the score of a source in the corner of four pixels has of its peak in these.

    It falls off as a Gaussian of twice the variance of the PSF.
    """
    return float(np.exp(-(0.5**2 + 0.5**2) / (4 * beam.sigma**2)))


def _peaks(score: NDArray, least: float) -> tuple[NDArray, NDArray, NDArray[np.bool_]]:
    """Give column and row of the peaks beyond ``least``, and whether each was parted from one."""
    found = find_rare_objects(score, least, min_area=1, contrast=DEBLEND_CONTRAST)
    return found["xpeak"].astype(int), found["ypeak"].astype(int), found["flag"] & MERGED != 0


def _fluxes(flux: NDArray, x: NDArray, y: NDArray, offset: NDArray) -> NDArray[np.float64]:
    """Give the flux map between the pixels; a quadratic, 0.2 % too low, beside missing ones."""
    between = interpolate(flux, x + offset[:, 0], y + offset[:, 1])
    return np.where(np.isnan(between), value_at(windows(flux, x, y, 1), offset), between)


def _measure_shapes(found: Candidates, difference: Difference, beam: Beam) -> None:
    """Fill in width, ellipticity, position angle, misfit and place in the sky."""
    where = _pixels(found)
    offset = np.stack([found["x"] - where[0], found["y"] - where[1]], 1)
    found["ra"], found["dec"] = sky_places(difference.wcs, found["x"], found["y"])
    sign = np.where(found["is_negative"], -1.0, 1.0)[:, None, None]
    flux = windows(difference.flux, *where, window_half(beam.sigma)) * sign
    found["fwhm"], found["ellipticity"], angle = ellipses(flux, offset, beam)
    found["position_angle"] = position_angle(difference.wcs, found["x"], found["y"], angle)
    around = windows(difference.difference, *where, max(2, round(beam.fwhm)))
    step = max(1, round((difference.difference.size / SAMPLE_SIZE) ** 0.5))
    noise = robust_sigma(difference.difference[::step, ::step])
    found["psf_misfit"] = psf_misfit(around, difference.psf, found["flux"], offset, noise)


def _has_opposite(
    score: NDArray, x: NDArray, y: NDArray, sign: np.float32, beam: Beam
) -> NDArray[np.bool_]:
    """Tell which peaks have a comparable trough within the reach of a dipole."""
    half = int(np.ceil(DIPOLE_REACH * beam.fwhm))
    trough = -(windows(score, x, y, half) * (sign * _disc(half))).min(axis=(1, 2))
    least = np.maximum(DIPOLE_SIGMA, DIPOLE_SHARE * sign * score[y, x])
    dipole: NDArray[np.bool_] = trough > least
    return dipole


def _disc(half: int) -> NDArray[np.bool_]:
    offset = np.arange(-half, half + 1)
    disc: NDArray[np.bool_] = offset[:, None] ** 2 + offset**2 <= (half + 0.5) ** 2
    return disc


def _merge(found: Candidates, beam: Beam) -> Candidates:
    """Keep the strongest of peaks within one FWHM, and of the two halves of a dipole."""
    kept = np.ones(len(found), bool)
    if not len(found):
        return found
    tree = cKDTree(np.column_stack([found["x"], found["y"]]))
    for i, j in sorted(tree.query_pairs(DIPOLE_REACH * beam.fwhm)):  # i is the stronger one
        if not (kept[i] and kept[j]):
            continue
        apart = np.hypot(found["x"][i] - found["x"][j], found["y"][i] - found["y"][j])
        if found["is_negative"][i] != found["is_negative"][j]:
            kept[j] = not found["is_dipole"][i]
        elif apart < beam.fwhm:
            kept[j], found["is_blended"][i] = False, True
    return found[kept]


def _flag_surroundings(
    found: Candidates,
    difference: Difference,
    frames: tuple[CalibratedFrame, CalibratedFrame],
    beam: Beam,
) -> None:
    """Fill in what the pixels around each candidate say about it."""
    x, y = _pixels(found)
    half = int(np.ceil(beam.fwhm))
    around = windows(difference.mask, x, y, half) * _disc(half).astype(np.uint16)
    found["mask_bits"] = np.bitwise_or.reduce(around.reshape(len(found), -1), axis=1)
    found["is_saturated"] = has_bits(found["mask_bits"], MaskBit.SATURATED)
    found["is_edge"] = has_bits(difference.mask[y, x], MaskBit.EDGE)
    found["near_bright_star"] = _near_bright_star(found, frames, beam)


def _pixels(found: Candidates) -> tuple[NDArray, NDArray]:
    return np.rint(found["x"]).astype(int), np.rint(found["y"]).astype(int)


def _hidden(found: Candidates, mask: NDArray[np.uint16], beam: Beam) -> NDArray[np.bool_]:
    """Tell which candidates have most of their core on pixels without data of their own."""
    half = max(1, round(beam.fwhm / 2))
    core = _disc(half)
    x, y = _pixels(found)
    # beyond the frame there are no data either
    lost = has_bits(windows(mask, x, y, half, beyond=int(MaskBit.NO_DATA)), HIDDEN)
    share = (lost & core).sum(axis=(1, 2)) / core.sum()
    hidden: NDArray[np.bool_] = share > HIDDEN_SHARE
    return hidden


def _near_bright_star(
    found: Candidates, frames: tuple[CalibratedFrame, CalibratedFrame], beam: Beam
) -> NDArray[np.bool_]:
    """Tell which candidates lie within a few FWHM of the core of a bright star."""
    near = np.zeros(len(found), bool)
    area, centre = _regions(_bright(frames))
    # a bleed trail is long but thin; its half width is not, so the reach is bounded
    reach = np.minimum(2 * np.sqrt(area / np.pi), 20 * beam.fwhm) + WING_REACH * beam.fwhm
    where = np.column_stack([found["x"], found["y"]])
    for star, radius in zip(centre, reach, strict=True):
        near |= np.hypot(*(where - star).T) < radius
    return near


def _bright(frames: tuple[CalibratedFrame, CalibratedFrame]) -> NDArray[np.bool_]:
    """Mark the pixels near saturation in either frame; strips of rows need no room beside them."""
    bright = np.zeros(frames[0].mask.shape, bool)
    for top in range(0, len(bright), STRIP_ROWS):
        strip = slice(top, top + STRIP_ROWS)
        for frame in frames:
            bright[strip] |= has_bits(frame.mask[strip], MaskBit.SATURATED)
            bright[strip] |= frame.pixels[strip] > BRIGHT_SHARE * frame.saturation
    return bright


def _regions(marked: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the areas (px) and the centres (n, 2; x, y) of the connected marked pixels."""
    areas: list[NDArray] = [np.zeros(0)]
    centres: list[NDArray] = [np.zeros((0, 2))]
    for window in lit_windows(marked):
        labels, count = ndimage.label(window.part, np.ones((3, 3)))
        y, x = np.nonzero(labels)
        region = labels[y, x] - 1
        area = np.bincount(region, minlength=count)
        sums = [np.bincount(region, weights, count) for weights in (x, y)]
        areas.append(area)
        centres.append(np.stack(sums, 1) / area[:, None] + (window.left, window.top))
    return np.concatenate(areas), np.concatenate(centres)
