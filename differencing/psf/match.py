"""How two frames of one field differ: residual shift, its noise, and the flux ratio."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from differencing.psf.model import PsfModel
from differencing.psf.polynomial import Polynomial, fit_polynomial
from differencing.psf.stamps import cut_stamps
from differencing.psf.stars import Sources
from differencing.subtraction.noise import BoolArray, FloatArray, excess_scatter, robust_sigma
from differencing.subtraction.prepare import Plane

SHIFT_DEGREE = 3
EXPECTED_SHIFT = 0.5, 0.3, 0.2  # px; coefficients of degree 1, 2, 3 before pairs are seen
ENOUGH_SHARED = 8  # stars of one frame confirmed by the other: the rest is not needed
MOST_PAIRS = 800  # the brightest carry the information
JITTER = 0.03  # px; assumed before it is measured: keeps one bright star from ruling the fit
LOOSE_JITTER = 0.15  # px, of galaxies: a new source in one moves its centroid
FLUX_SNR = 15.0  # stars below it say little about the flux ratio
FLUX_ERROR = 0.01  # relative; the PSF model's error for one star


@dataclass(frozen=True)
class _Smooth:
    """How smooth a shift is over a frame: arguments of a polynomial fit."""

    degree: int
    shape: tuple[int, int]
    expected: tuple[float, ...]


@dataclass(frozen=True)
class FrameMatch:
    """Where the reference lies on the science image, and how much fainter it is there."""

    shift_x: Polynomial  # px to add to a reference position
    shift_y: Polynomial
    shift_rms: float  # px per axis, plain scatter of the used pairs
    flux_ratio: float  # science ADU per reference ADU, typical
    flux_ratio_scatter: float  # relative, per star, beyond the errors of the fluxes
    flux_ratio_scatter_error: float  # what to add to it for its upper limit at 1 sigma
    n_pairs: int
    flux_change: Polynomial | None = None  # by which the ratio differs over the frame, relative

    def ratio_at(self, x: FloatArray, y: FloatArray) -> NDArray[np.float64]:
        """Give the flux ratio at places (px)."""
        change = 0.0 if self.flux_change is None else self.flux_change.at(x, y)
        return np.asarray(self.flux_ratio * (1.0 + np.broadcast_to(change, np.shape(x))))


def pair_sources(
    science: Sources, reference: Sources, *, radius: float
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Pair mutually nearest sources of two frames, after taking out their common offset.

    Parameters
    ----------
    science, reference : Sources
    radius : float
        Largest common offset, px. Once it is taken out, half of it is allowed.

    Returns
    -------
    (n,) int arrays
        Indices into ``science`` and ``reference``.
    """
    here = np.column_stack([science.x, science.y])
    there = np.column_stack([reference.x, reference.y])
    if len(here) == 0 or len(there) == 0:
        return np.array([], int), np.array([], int)
    first, second = _mutual(here, there, radius)
    if len(first):
        offset = np.median(here[first] - there[second], axis=0)
        first, second = _mutual(here, there + offset, radius / 2)
    return first, second


def shared_stars(
    found: tuple[Sources, Sources], likely: tuple[BoolArray, BoolArray], *, radius: float
) -> tuple[BoolArray, BoolArray]:
    """Mark the likely stars of two frames that the other frame shows to be stars, too.

    A galaxy that the poorer seeing hides and a new source on one are told apart that way. Where
    hardly any star is shared, only those that the other frame contradicts are left out.
    """
    pairs = pair_sources(found[0], found[1], radius=radius)
    confirmed = []
    for mine in (0, 1):
        here, there = pairs[mine], pairs[1 - mine]
        agrees = np.zeros(len(found[mine]), bool)
        agrees[here] = likely[1 - mine][there]
        denied = np.zeros(len(found[mine]), bool)
        denied[here] = found[1 - mine].is_clean[there] & ~likely[1 - mine][there]
        both = likely[mine] & agrees
        confirmed.append(both if both.sum() >= ENOUGH_SHARED else likely[mine] & ~denied)
    return confirmed[0], confirmed[1]


def _mutual(
    here: FloatArray, there: FloatArray, radius: float
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    distance, nearest = map(np.asarray, cKDTree(there).query(here, distance_upper_bound=radius))
    back = np.asarray(cKDTree(here).query(there)[1])
    first = np.flatnonzero(np.isfinite(distance))
    first = first[back[nearest[first]] == first]
    return first, nearest[first]


def fit_shift(
    science: Sources,
    reference: Sources,
    *,
    is_star: BoolArray,
    noise: tuple[float, float],
    shape: tuple[int, int],
) -> tuple[Polynomial, Polynomial, float]:
    """Fit the residual shift of paired sources as polynomials of the position.

    Parameters
    ----------
    science, reference : Sources
        Paired, element by element.
    is_star : (n,) bool array
        Pairs of single stars; the others weigh less.
    noise : pair of float
        1-sigma pixel noise of both frames, ADU.
    shape : (ny, nx)

    Returns
    -------
    shift_x, shift_y : Polynomial
    rms : float
        Scatter of the used pairs per axis, px.
    """
    error = np.hypot(_centroid_error(science, noise[0]), _centroid_error(reference, noise[1]))
    where = (reference.x, reference.y)
    weight = 1 / (error**2 + np.where(is_star, JITTER, LOOSE_JITTER) ** 2)
    smooth = _Smooth(SHIFT_DEGREE, shape, EXPECTED_SHIFT)
    shift_x, used_x = fit_polynomial(where, science.x - reference.x, weight, **vars(smooth))
    shift_y, used_y = fit_polynomial(where, science.y - reference.y, weight, **vars(smooth))
    left = np.concatenate(
        [
            (science.x - reference.x - shift_x.at(*where))[used_x],
            (science.y - reference.y - shift_y.at(*where))[used_y],
        ]
    )
    return shift_x, shift_y, float(np.sqrt(np.mean(left**2)))


def _centroid_error(sources: Sources, noise: float) -> NDArray[np.float64]:
    """Give the error (px) of each windowed centroid from pixel noise.

    A Gaussian source of rms width s and flux f in noise n has sigma_x = s^2 sqrt(8 pi) n / f
    (King 1983, PASP 95, 163, in the limit of sky noise); s is the half-light radius / 1.18.
    """
    width = sources.size / 1.1774
    error: NDArray[np.float64] = (
        np.sqrt(8 * np.pi) * width**2 * noise / np.maximum(sources.flux, noise)
    )
    return error


def psf_fluxes(
    plane: Plane, model: PsfModel, sources: Sources
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Measure PSF fluxes (ADU) and their errors at known positions; bad pixels weigh nothing."""
    half = min(model.half, int(np.ceil(2.0 * model.fwhm)))
    stamps = cut_stamps(plane.pixels, plane.bad, sources.x, sources.y, half=half)
    crop = slice(model.half - half, model.half + half + 1)
    expected = model.many(sources.x, sources.y)[:, crop, crop]
    # weights from the model, not the pixels: those would bias the flux
    guess = np.maximum(stamps.pixels[:, half, half] / expected[:, half, half], 0)[:, None, None]
    weight = stamps.good / (plane.sigma**2 + guess * np.maximum(expected, 0) / plane.gain)
    total = np.maximum((weight * expected**2).sum(axis=(1, 2)), np.finfo(float).tiny)
    return (weight * expected * stamps.pixels).sum(axis=(1, 2)) / total, 1 / np.sqrt(total)


def fit_flux_ratio(
    science: tuple[FloatArray, FloatArray], reference: tuple[FloatArray, FloatArray]
) -> tuple[float, float, float]:
    """Fit science flux = ratio x reference flux to pairs of (flux, error), outliers set aside.

    Returns
    -------
    ratio, scatter, scatter_error : float
        The scatter is relative, per star, beyond the errors given; see :func:`excess_scatter`.

    Raises
    ------
    ValueError
        If no pair is bright in both.
    """
    bright = (science[0] > FLUX_SNR * science[1]) & (reference[0] > FLUX_SNR * reference[1])
    if not bright.any():
        raise ValueError(
            f"none of {len(bright)} stars common to both frames exceeds S/N {FLUX_SNR:g} in both: "
            "use a deeper or a less different pair"
        )
    log_ratio = np.log(science[0][bright] / reference[0][bright])
    variance = (science[1][bright] / science[0][bright]) ** 2
    variance += (reference[1][bright] / reference[0][bright]) ** 2
    weight = 1 / (variance + FLUX_ERROR**2)
    centre = weighted_median(log_ratio, weight)
    kept = np.abs(log_ratio - centre) < 3.5 * max(robust_sigma(log_ratio), FLUX_ERROR)
    ratio = float(np.exp(np.average(log_ratio[kept], weights=weight[kept])))
    return ratio, *excess_scatter(log_ratio, variance)


def weighted_median(values: FloatArray, weights: FloatArray) -> float:
    """Give the value with half of the weight on either side."""
    order = np.argsort(values)
    share = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(share, share[-1] / 2)])
