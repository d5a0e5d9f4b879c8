"""Compact sources of one frame: detection, centroids and the choice of PSF stars."""

from dataclasses import dataclass

import numpy as np
import sep
from numpy.typing import NDArray

from differencing.extraction.objects import find_objects
from differencing.psf.polynomial import design_matrix
from differencing.subtraction.noise import MAD_TO_SIGMA, BoolArray, FloatArray

MIN_AREA = 5  # px; fewer make no shape
DEBLEND_CONTRAST = 0.02  # of the flux; fainter neighbours are left to the PSF fit
WINDOW_SIGMA = 1.2  # window of the centroid in units of the source's own rms size
WINDOW_PARTS = 3  # of a pixel at the window's rim, where it is 3e-4: more move it by 1e-4 px
LOCUS_ROUNDS = 6
STARS_FOR_DEGREE = ((2, 30), (1, 12), (0, 0))  # of the change of stellar sizes over a field
FEWEST_TO_FOLLOW = 4
LEAST_SCATTER = (0.03, 0.01, 0.01)  # of log size around the locus, by its degree
SIZE_SCATTER, EXPECTED_CHANGE = 0.03, 0.05  # of log size: star by star, and over the field
CLUMP_WIDTH = 0.1  # relative, of the clump of stellar sizes that is sought first
SMALLER_COUNTS = 3.0  # times as much a source below a supposed stellar size speaks against it
LEAST_ROUND = 0.7  # minor over major axis of a star
LEAST_SIZE = 0.5  # px; a single bright pixel is smaller
SHARPEST = 0.7  # of the size of stars: smaller than that is no light that came through the optics
SIZE_RADIUS = 4.0  # half-light radii are measured within this many rms sizes


@dataclass(frozen=True)
class Sources:
    """Sources of one frame; one array element each, positions 0-based in px, fluxes in ADU."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    flux: NDArray[np.float64]
    peak: NDArray[np.float64]
    size: NDArray[np.float64]  # half-light radius, px
    roundness: NDArray[np.float64]  # minor over major axis
    is_clean: BoolArray  # not merged, not truncated, no masked pixel, below saturation

    def __len__(self) -> int:
        """Count the sources."""
        return len(self.x)

    def chosen(self, index: NDArray[np.integer] | BoolArray) -> "Sources":
        """Give the sources at ``index``."""
        return Sources(**{name: values[index] for name, values in vars(self).items()})


def detect_sources(
    pixels: FloatArray, noise: float, bad: BoolArray, *, threshold: float, ceiling: float
) -> Sources:
    """Find sources and measure what star selection and matching need.

    Parameters
    ----------
    pixels : (ny, nx) float32 array
        Background-subtracted, ADU, finite everywhere.
    noise : float
        1-sigma pixel noise, ADU.
    bad : (ny, nx) bool array
        Pixels to leave out.
    threshold : float
        Detection threshold in sigma per pixel.
    ceiling : float
        Peak (ADU) above which a source counts as not clean.

    Returns
    -------
    Sources
        In order of decreasing flux. Positions are windowed centroids.
    """
    found = find_light(pixels, noise, bad, threshold=threshold)
    return measure_sources(pixels, bad, found, ceiling=ceiling)


def find_light(
    pixels: FloatArray, noise: float, bad: BoolArray, *, threshold: float
) -> NDArray[np.void]:
    """Find the objects that :func:`detect_sources` measures, in order of decreasing flux."""
    found = find_objects(
        pixels, threshold, noise=noise, bad=bad, min_area=MIN_AREA, contrast=DEBLEND_CONTRAST
    )
    return found[np.argsort(-found["flux"])]


def measure_sources(
    pixels: FloatArray, bad: BoolArray, found: NDArray[np.void], *, ceiling: float
) -> Sources:
    """Measure what :func:`find_light` has found; see :func:`detect_sources`."""
    rms_size = np.sqrt(found["a"] * found["b"])
    clean = (found["flag"] == 0) & (found["peak"] < ceiling)
    x, y = found["x"].copy(), found["y"].copy()
    # of no other source is the centroid asked for
    x[clean], y[clean], flag = sep.winpos(
        pixels, x[clean], y[clean], WINDOW_SIGMA * rms_size[clean], mask=bad, subpix=WINDOW_PARTS
    )
    clean[clean] = flag == 0
    # one aperture for all: in its own isophote a faint star looks smaller than a bright one
    reach = SIZE_RADIUS * _bright_size(rms_size)
    radius, radius_flag = sep.flux_radius(
        pixels, found["x"], found["y"], np.full(len(found), reach), 0.5, mask=bad, subpix=5
    )
    clean &= (
        (radius_flag == 0)
        & np.isfinite(x)
        & np.isfinite(y)
        & (np.hypot(x - found["x"], y - found["y"]) < 1.5)
    )
    return Sources(
        x=np.where(clean, x, found["x"]), y=np.where(clean, y, found["y"]), flux=found["flux"],
        peak=found["peak"], size=radius, roundness=found["b"] / found["a"], is_clean=clean,
    )  # fmt: skip


def _bright_size(rms_size: FloatArray) -> float:
    """Give the size of stars among the brightest sources, given in order of decreasing flux."""
    bright = rms_size[: max(len(rms_size) // 4, 10)]
    # stars are the smallest, but single hot pixels are smaller still
    return float(np.percentile(bright, 30)) if len(bright) else 1.0


def select_stars(sources: Sources, shape: tuple[int, int], *, margin: float) -> BoolArray:
    """Mark the sources that look like single, unsaturated stars.

    Stars share one size at any place of the field and galaxies are larger, so the most
    populated size is sought first and its change over the field is followed next.

    Parameters
    ----------
    sources : Sources
    shape : (ny, nx)
        Of the frame, px.
    margin : float
        Stars closer to the border than this (px) are left out.

    Returns
    -------
    (n,) bool array
    """
    usable = sources.is_clean & _inside(sources, shape, margin) & _is_round(sources)
    if not usable.any():
        return usable
    size = np.log(np.where(usable, sources.size, 1.0))
    typical = _least_common_size(size[usable], sources.flux[usable])
    stars = usable & (np.abs(size - typical) < CLUMP_WIDTH)
    return _follow_locus(sources, size, stars, usable, shape)


def is_too_sharp(sources: Sources, stars: BoolArray) -> BoolArray:
    """Mark the sources that are much smaller than the given stars, as hits by cosmic rays are."""
    if not stars.any():
        return np.zeros(len(sources), bool)
    return np.asarray(sources.size < SHARPEST * np.median(sources.size[stars]))


def _inside(sources: Sources, shape: tuple[int, int], margin: float) -> BoolArray:
    ny, nx = shape
    along = (sources.x > margin) & (sources.x < nx - 1 - margin)
    return np.asarray(along & (sources.y > margin) & (sources.y < ny - 1 - margin))


def _is_round(sources: Sources) -> BoolArray:
    return np.asarray((sources.roundness > LEAST_ROUND) & (sources.size > LEAST_SIZE))


def refused_stars(
    sources: Sources, confirmed: BoolArray, shape: tuple[int, int], *, margin: float
) -> dict[str, int]:
    """Count the sources that are no PSF stars by the first reason that holds for each."""
    likely = select_stars(sources, shape, margin=margin)
    reasons = {
        "merged, masked or too bright": ~sources.is_clean,
        "at the border": ~_inside(sources, shape, margin),
        "elongated or a single pixel": ~_is_round(sources),
        "of another size than stars": ~likely,
        "no star in the other frame": ~confirmed,
        "crowded or too faint": np.ones(len(sources), bool),
    }
    left = np.ones(len(sources), bool)
    counts = {}
    for reason, refused in reasons.items():
        counts[reason] = int((left & refused).sum())
        left &= ~refused
    return counts


def _least_common_size(size: FloatArray, flux: FloatArray) -> float:
    """Find the least log size that many sources share, bright ones counting for more.

    Where galaxies outnumber stars theirs may be the most common size, but only theirs has the
    stars below it; what is smaller than a star is rare.
    """
    order = np.argsort(size)
    size, weight = size[order], 1.0 + np.log(flux[order] / flux.min())
    total = np.concatenate([[0.0], np.cumsum(weight)])
    low, high = (
        total[np.searchsorted(size, size + d)] for d in (-CLUMP_WIDTH / 2, CLUMP_WIDTH / 2)
    )
    return float(size[np.argmax(high - low - SMALLER_COUNTS * low)])


def _follow_locus(
    sources: Sources, size: FloatArray, stars: BoolArray, usable: BoolArray, shape: tuple[int, int]
) -> BoolArray:
    """Let the stellar size vary over the field, as far as the number of stars allows."""
    for _ in range(LOCUS_ROUNDS):
        count = int(stars.sum())
        if count < FEWEST_TO_FOLLOW:
            return stars
        degree = next(degree for degree, need in STARS_FOR_DEGREE if count >= need)
        excess = size - _locus(sources, size, stars, shape, degree)
        # of the lower half: galaxies widen the upper one
        below = excess[stars & (excess <= 0)]
        width = MAD_TO_SIGMA * float(np.median(-below)) if below.size else 0.0
        width = float(np.clip(width, LEAST_SCATTER[degree], CLUMP_WIDTH / 2))
        # galaxies lie on the upper side only: cut closer there
        stars = usable & (excess < 2.0 * width) & (excess > -3.0 * width)
    return stars


def _locus(
    sources: Sources, size: FloatArray, stars: BoolArray, shape: tuple[int, int], degree: int
) -> FloatArray:
    """Give the log size of a star at every source, few stars being held to little change."""
    design = design_matrix(sources.x, sources.y, shape, degree)
    middle = float(np.median(size[stars]))
    prior = np.diag([0.0] + [SIZE_SCATTER / EXPECTED_CHANGE] * (design.shape[1] - 1))
    left = np.concatenate([design[stars], prior])
    right = np.concatenate([size[stars] - middle, np.zeros(len(prior))])
    return np.asarray(middle + design @ np.linalg.lstsq(left, right)[0])
