"""How two frames of one field differ: residual shift, its noise, and the flux ratio."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from differencing.noise import FloatArray, robust_sigma
from differencing.polynomial import Polynomial, exponents, fit_polynomial
from differencing.prepare import Plane
from differencing.psf import PsfModel
from differencing.stamps import cut_stamps
from differencing.stars import Sources

PAIRS_FOR_DEGREE = ((3, 80), (2, 40), (1, 15), (0, 1))
MOST_PAIRS = 800  # the brightest carry the information
JITTER = 0.03  # px; assumed before it is measured: keeps one bright star from ruling the fit
FEW_RESIDUALS = 30  # below it a median deviation is too uncertain: the plain rms is used
FLUX_SNR = 15.0  # stars below it say little about the flux ratio
FLUX_ERROR = 0.01  # relative; the PSF model's error for one star


@dataclass(frozen=True)
class FrameMatch:
    """Where the reference lies on the science image, and how much fainter it is there."""

    shift_x: Polynomial  # px to add to a reference position
    shift_y: Polynomial
    sigma_ast: float  # px per axis, what remains after the fit and the centroids' own errors
    shift_rms: float  # px per axis, plain scatter of the used pairs
    flux_ratio: float  # science ADU per reference ADU
    flux_ratio_scatter: float  # relative, beyond photon noise
    n_pairs: int


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
    noise: tuple[float, float],
    shape: tuple[int, int],
    floor: float,
) -> tuple[Polynomial, Polynomial, float, float]:
    """Fit the residual shift of paired sources as polynomials of the position.

    Parameters
    ----------
    science, reference : Sources
        Paired, element by element.
    noise : pair of float
        1-sigma pixel noise of both frames, ADU.
    shape : (ny, nx)
    floor : float
        Smallest registration noise to report, px.

    Returns
    -------
    shift_x, shift_y : Polynomial
    sigma_ast : float
        Registration noise per axis (px), the centroids' errors taken out.
    rms : float
        Scatter of the pairs per axis, px.
    """
    error = np.hypot(_centroid_error(science, noise[0]), _centroid_error(reference, noise[1]))
    degree = next(degree for degree, need in PAIRS_FOR_DEGREE if len(science) >= need)
    where = (reference.x, reference.y)
    weight = 1 / (error**2 + JITTER**2)
    shift_x, used_x = fit_polynomial(
        where, science.x - reference.x, weight, degree=degree, shape=shape
    )
    shift_y, used_y = fit_polynomial(
        where, science.y - reference.y, weight, degree=degree, shape=shape
    )
    bright = error <= max(2 * JITTER, float(np.percentile(error, 30)))
    left = np.concatenate(
        [
            (science.x - reference.x - shift_x.at(*where))[used_x & bright],
            (science.y - reference.y - shift_y.at(*where))[used_y & bright],
        ]
    )
    # the two fits take two degrees of freedom per coefficient
    freedom = max(left.size - 2 * len(exponents(degree)), 1)
    left *= np.sqrt(left.size / freedom)
    rms = float(np.sqrt(np.mean(left**2)))
    scatter = robust_sigma(left) if left.size >= FEW_RESIDUALS else rms
    excess = scatter**2 - float(np.median(error[bright] ** 2))
    return shift_x, shift_y, max(float(np.sqrt(max(excess, 0.0))), floor), rms


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
) -> tuple[float, float]:
    """Fit science flux = ratio x reference flux to pairs of (flux, error), outliers set aside.

    Returns
    -------
    ratio, scatter : float
        The scatter is relative, per star, beyond the errors given.

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
    spread = robust_sigma(log_ratio[kept]) ** 2 - float(np.median(variance[kept]))
    return ratio, float(np.sqrt(max(spread, 0.0)))


def weighted_median(values: FloatArray, weights: FloatArray) -> float:
    """Give the value with half of the weight on either side."""
    order = np.argsort(values)
    share = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(share, share[-1] / 2)])
