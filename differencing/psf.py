"""The point spread function of a frame, measured from its own stars, varying over the field."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from differencing.noise import FloatArray
from differencing.polynomial import design_matrix
from differencing.sample import StarSample
from differencing.stamps import radii

STARS_FOR_DEGREE = ((2, 30), (1, 12), (0, 1))  # a degree needs several stars per coefficient
MODEL_ERROR = 0.01  # of the local PSF: keeps single bright stars from ruling the fit
LARGEST_CHANGE = 0.2  # of a pixel over the field: what is expected before stars are seen,
LEAST_CHANGE = 1e-4  # and of the peak; it keeps noise in the wings from passing for change
STAR_ERROR = 0.03  # of the local PSF: a star further off than this and its noise is no star
FIT_ROUNDS = 4
WING_START = 1.8  # FWHM; further out single pixels hold more noise than signal
TAPER = 3.0  # px over which the stamp falls to zero at its rim


@dataclass(frozen=True)
class PsfModel:
    """Pixel PSF whose every pixel is a polynomial of the position in the frame."""

    coefficients: NDArray[np.float64]  # (terms, side, side)
    degree: int
    shape: tuple[int, int]
    n_stars: int

    @property
    def half(self) -> int:
        """Half width of the stamps, px."""
        return int(self.coefficients.shape[-1] // 2)

    def at(self, x: float, y: float) -> NDArray[np.float32]:
        """Give the PSF stamp at (``x``, ``y``) px; its centre pixel is the centroid, its sum 1."""
        return np.asarray(self.many(np.array([x]), np.array([y]))[0], np.float32)

    def many(self, x: FloatArray, y: FloatArray) -> NDArray[np.float64]:
        """Give the (n, side, side) stamps at ``n`` positions."""
        terms = design_matrix(x, y, self.shape, self.degree)
        stamps = np.tensordot(terms, self.coefficients, axes=1)
        scaled: NDArray[np.float64] = stamps / stamps.sum(axis=(1, 2), keepdims=True)
        return scaled

    def sharpest(self) -> NDArray[np.float64]:
        """Give the stamp with the highest peak among nine places of the frame."""
        y, x = (np.array([0.0, 0.5, 1.0]) * size for size in self.shape)
        stamps = self.many(*(grid.ravel() for grid in np.meshgrid(x, y)))
        sharpest: NDArray[np.float64] = stamps[np.argmax(stamps[:, self.half, self.half])]
        return sharpest

    @property
    def fwhm(self) -> float:
        """Full width at half maximum (px) at the centre of the frame."""
        return stamp_fwhm(self.at(self.shape[1] / 2, self.shape[0] / 2))


def stamp_fwhm(stamp: FloatArray, *, zoom: int = 5) -> float:
    """Give the diameter (px) of the circle with the area above half of the peak of ``stamp``."""
    half = stamp.shape[-1] // 2
    core = min(half, 10)
    centre = slice(half - core, half + core + 1)
    fine = ndimage.zoom(
        stamp[centre, centre].astype(float), zoom, order=3, grid_mode=True, mode="nearest"
    )
    return float(2 * np.sqrt((fine > fine.max() / 2).sum() / np.pi) / zoom)


def fit_psf(
    sample: StarSample, *, noise: float, gain: float, shape: tuple[int, int], max_degree: int
) -> PsfModel:
    """Fit the PSF to stars, dropping those that look different.

    Every pixel is a weighted least-squares polynomial of the position. The degree falls from
    ``max_degree`` to 1 below 30 and to 0 below 12 stars. Far from the centre, the angular
    harmonics m = 0 and 2 replace single pixels.

    Parameters
    ----------
    sample : StarSample
    noise : float
        1-sigma sky and read noise of a pixel, ADU.
    gain : float
        e-/ADU.
    shape : (ny, nx)
        Of the frame, px.
    max_degree : int

    Raises
    ------
    ValueError
        If the sample is empty or holds no flux.
    """
    if len(sample.x) == 0:
        raise ValueError("no star to measure the PSF from")
    kept = np.ones(len(sample.x), bool)
    flux = sample.flux
    profile = _mean_profile(sample, flux)
    for _ in range(FIT_ROUNDS):
        used = replace(sample, flux=flux).chosen(kept)
        model = _fit_pixels(used, profile, noise, gain, shape, max_degree)
        flux, misfit = _compare(sample, model, noise, gain)
        profile = model.many(np.array([shape[1] / 2]), np.array([shape[0] / 2]))[0]
        agreeing = (flux > 0) & (misfit < max(2.0, 3.0 * float(np.median(misfit[kept]))))
        if np.array_equal(agreeing, kept) or not agreeing.any():
            break
        kept = agreeing
    return model


def degree_for(n_stars: int, max_degree: int) -> int:
    """Give the highest polynomial degree that ``n_stars`` support."""
    return min(max_degree, next(degree for degree, need in STARS_FOR_DEGREE if n_stars >= need))


def _mean_profile(sample: StarSample, flux: FloatArray) -> NDArray[np.float64]:
    """Give the median of the normalised stamps: a first PSF."""
    profile = np.median(sample.stamps.pixels / flux[:, None, None], axis=0)
    scaled: NDArray[np.float64] = profile / profile.sum()
    return scaled


def _variance(
    flux: FloatArray, profile: FloatArray, noise: float, gain: float, error: float
) -> NDArray[np.float64]:
    """Give the variance of each pixel of stamps divided by their flux, model error included."""
    flux = flux[:, None, None]
    signal = np.maximum(profile, 0.0)
    total: NDArray[np.float64] = (
        (noise / flux) ** 2 + signal / (flux * gain) + (error * signal) ** 2
    )
    return total


def _fit_pixels(
    used: StarSample, profile: FloatArray, noise: float, gain: float, shape: tuple[int, int],
    max_degree: int,
) -> PsfModel:  # fmt: skip
    degree = degree_for(len(used.x), max_degree)
    design = design_matrix(used.x, used.y, shape, degree)
    weight = used.stamps.good / _variance(used.flux, profile, noise, gain, MODEL_ERROR)
    values = used.stamps.pixels / used.flux[:, None, None]
    normal = np.einsum("syx,si,sj->yxij", weight, design, design, optimize=True)
    right = np.einsum("syx,si,syx->yxi", weight, design, values, optimize=True)
    prior = np.zeros_like(normal)
    free = np.arange(1, design.shape[1])
    width = LARGEST_CHANGE * np.maximum(profile, 0) + LEAST_CHANGE * profile.max()
    prior[:, :, free, free] = (1 / width**2)[:, :, None]
    # a pixel that is good in no star must not make the solution fail
    prior[:, :, 0, 0] = np.finfo(float).tiny + 1e-9 * normal[:, :, 0, 0]
    solved = np.linalg.solve(normal + prior, right[..., None])[..., 0]
    coefficients = np.moveaxis(solved, -1, 0)
    start = WING_START * stamp_fwhm(coefficients[0])
    smooth = np.stack([_smooth_wings(image, start) for image in coefficients])
    return PsfModel(smooth, degree, shape, len(used.x))


def _smooth_wings(image: FloatArray, start: float) -> NDArray[np.float64]:
    """Replace what lies beyond ``start`` px by its angular harmonics m = 0, 2, ring by ring."""
    half = image.shape[0] // 2
    distance = radii(half)
    offset = np.arange(-half, half + 1)
    angle = np.arctan2(offset[:, None], offset[None, :])
    smooth = np.array(image, np.float64)
    for radius in range(max(int(start) - 1, 2), int(distance.max()) + 1):
        ring = np.rint(distance) == radius
        basis = np.stack([np.ones(ring.sum()), np.cos(2 * angle[ring]), np.sin(2 * angle[ring])], 1)
        smooth[ring] = basis @ np.linalg.lstsq(basis, image[ring])[0]
    outside = np.clip((distance - start) / 2.0, 0.0, 1.0)
    rim = np.clip((half + 0.5 - distance) / TAPER, 0.0, 1.0)
    blended: NDArray[np.float64] = (image * (1 - outside) + smooth * outside) * rim
    return blended


def _compare(
    sample: StarSample, model: PsfModel, noise: float, gain: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give every star's PSF flux (ADU) and the reduced chi square of its core."""
    expected = model.many(sample.x, sample.y)
    weight = sample.stamps.good / _variance(sample.flux, expected, noise, gain, MODEL_ERROR)
    flux = (weight * expected * sample.stamps.pixels).sum(axis=(1, 2))
    flux /= np.maximum((weight * expected**2).sum(axis=(1, 2)), np.finfo(float).tiny)
    core = radii(model.half) < WING_START * model.fwhm
    positive = np.where(flux > 0, flux, 1.0)
    pull = (sample.stamps.pixels / positive[:, None, None] - expected) ** 2
    pull /= _variance(positive, expected, noise, gain, STAR_ERROR)
    good = sample.stamps.good & core
    return flux, (pull * good).sum(axis=(1, 2)) / np.maximum(good.sum(axis=(1, 2)), 1)
