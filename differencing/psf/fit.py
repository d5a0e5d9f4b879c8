"""The PSF of a frame fitted to its stars: a mean profile, its modes over the field, the rest."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from differencing.psf.model import EXPECTED_CHANGE, WIDTH_DEGREE, PsfModel, stamp_fwhm
from differencing.psf.polynomial import design_matrix
from differencing.psf.sample import MEDIAN_ERROR, StarSample
from differencing.psf.shape_modes import (
    MODES,
    STAR_SCATTER,
    WIDTH,
    fit_field,
    measure_shapes,
    shape_modes,
)
from differencing.psf.stamps import radii
from differencing.psf.wings import hold_wings, smooth_wings
from differencing.subtraction.noise import BoolArray, FloatArray

STARS_FOR_DEGREE = ((2, 6), (1, 4), (0, 1))  # of the modes, which are held to little change
ENOUGH_STARS = 60  # for every pixel to follow a polynomial of its own
MODEL_ERROR = 0.01  # of the local PSF: keeps single bright stars from ruling the fit
LARGEST_CHANGE = 0.2  # of a pixel over the field: what is expected before stars are seen,
LEAST_CHANGE = 1e-4  # and of the peak; it keeps noise in the wings from passing for change
STAR_ERROR = 0.03  # of the local PSF: a star further off than this and its noise is no star
WIDER, NARROWER = 3.0, 4.0  # sigma; galaxies lie on the upper side only: cut closer there
FIT_ROUNDS = 4
UNSETTLED = 0.01  # relative flux: a model that changes fluxes by so much is fitted again
BRIGHTEST = 5  # stars that count alike in the first, median profile
NEIGHBOUR_BOX = 5  # px; over such a square
NEIGHBOUR_SIGMA = 4.0  # the mean of what a star does not explain shows a neighbour
WING_ERROR = 0.5  # of the local PSF, which is not known better at first
SKY_ERROR = 0.05  # of the noise of a pixel: the sky under a star is not known better
WING_START = 1.8  # FWHM; further out single pixels hold more noise than signal


def fit_psf(
    sample: StarSample, *, noise: float, gain: float, shape: tuple[int, int], max_degree: int
) -> PsfModel:
    """Fit the PSF to stars, dropping those that look different.

    From 60 stars on every pixel is a polynomial of the position. Fewer stars determine one mean
    profile, and polynomials for its width, elongation and centre, held to little change. The
    degree falls from ``max_degree`` to 1 below 6 and to 0 below 4 stars. Far from the centre,
    the angular harmonics m = 0 and 2 replace single pixels.

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
    fit = _Fit(sample, noise, gain, shape, degree_for(len(sample.x), max_degree))
    for _ in range(FIT_ROUNDS):
        if not fit.improve():
            break
    return fit.with_held_wings()


class _Fit:
    """Stars, what they are expected to look like, and which of them are kept."""

    def __init__(
        self, sample: StarSample, noise: float, gain: float, shape: tuple[int, int], degree: int
    ) -> None:
        self.sample, self.noise, self.gain = sample, noise, gain
        self.design = design_matrix(sample.x, sample.y, shape, degree)
        self.kept = np.ones(len(sample.x), bool)
        self.field = np.zeros((self.design.shape[1], MODES))
        self.weight = np.ones(sample.stamps.pixels.shape)
        self.width_errors = np.full(len(sample.x), EXPECTED_CHANGE)
        profile = _mean_profile(sample)
        self.doubt = _mean_error(sample) * noise  # of a pixel of the profile
        coefficients = np.zeros((self.design.shape[1], *profile.shape))
        coefficients[0] = profile
        self.model = PsfModel(coefficients, degree, shape, len(sample.x))

    def improve(self) -> bool:
        """Do one round; tell whether the choice of stars, or the level of fluxes, has changed."""
        expected = self.model.many(self.sample.x, self.sample.y)
        self.weight = weight = self._alone(expected) / self._variance(expected, MODEL_ERROR)
        modes = shape_modes(self.model.coefficients[0])
        shapes = measure_shapes(self.sample, expected, modes, weight / (1 + weight * self.doubt**2))
        self.width_errors = shapes.errors[:, WIDTH]
        flux = np.where(shapes.flux > 0, shapes.flux, self.sample.flux)
        self.sample = replace(self.sample, flux=flux)
        seen = self.design @ self.field + shapes.modes
        # where every pixel follows a polynomial of its own only the widths' tells who is a galaxy
        needed = [WIDTH] if self._is_rich() else list(range(MODES))
        self.field = np.zeros_like(self.field)
        self.field[:, needed] = self._smooth(seen[:, needed], shapes.errors[:, needed])
        excess = (seen[:, WIDTH] - self.design @ self.field[:, WIDTH]) / np.hypot(
            shapes.errors[:, WIDTH], STAR_SCATTER
        )
        self._fit_model(modes, weight)
        self.doubt = 0.0  # that of a fit is less than what its stars may differ by
        agreeing = (shapes.flux > 0) & (excess < WIDER) & (excess > -NARROWER)
        misfit, level = self._compare()
        agreeing &= misfit < max(2.0, 3.0 * float(np.median(misfit[self.kept])))
        changed = not np.array_equal(agreeing, self.kept) and bool(agreeing.any())
        self.kept = agreeing if changed else self.kept
        return changed or abs(float(np.median(level[self.kept])) - 1) > UNSETTLED

    def with_held_wings(self) -> PsfModel:
        """Give the model, its wings held to the fall of its core where the stars are too faint."""
        model, kept = self.model, self.kept
        weight, flux = self.weight[kept], self.sample.flux[kept]
        total = np.maximum(weight.sum(axis=0), np.finfo(float).tiny)
        level = SKY_ERROR * self.noise * np.tensordot(1 / flux, weight, axes=1) / total
        held = hold_wings(
            model.coefficients[0], total, level, start=WING_START * model.fwhm, fwhm=model.fwhm
        )
        return replace(
            model,
            coefficients=np.stack([held, *model.coefficients[1:]]),
            width_covariance=self._width_covariance(),
        )

    def _width_covariance(self) -> NDArray[np.float64]:
        """Give the covariance of the widths' polynomial, as the kept stars determine it."""
        kept = self.kept
        x, y = self.sample.x[kept], self.sample.y[kept]
        design = design_matrix(x, y, self.model.shape, WIDTH_DEGREE)
        weight = 1 / (self.width_errors[kept] ** 2 + STAR_SCATTER**2)
        prior = np.full(design.shape[1], EXPECTED_CHANGE**-2.0)
        prior[0] = 0.0  # the width in the middle may be anything
        return np.asarray(np.linalg.inv((design.T * weight) @ design + np.diag(prior)))

    def _is_rich(self) -> bool:
        """Tell whether the kept stars determine a polynomial for every pixel."""
        return int(self.kept.sum()) >= ENOUGH_STARS

    def _alone(self, expected: FloatArray) -> BoolArray:
        """Mark the good pixels without light of neighbours too faint to be known."""
        good = self.sample.stamps.good
        left = self.sample.stamps.pixels / self.sample.flux[:, None, None] - expected
        box = (0, NEIGHBOUR_BOX, NEIGHBOUR_BOX)
        left = ndimage.uniform_filter(np.where(good, left, 0.0), box)
        noise = (self.noise / self.sample.flux[:, None, None]) ** 2 + self.doubt**2
        noise /= NEIGHBOUR_BOX**2
        return good & (left**2 < NEIGHBOUR_SIGMA**2 * (noise + (WING_ERROR * expected) ** 2))

    def _variance(self, expected: FloatArray, error: float) -> NDArray[np.float64]:
        """Give the variance of pixels of stamps divided by their flux, model error included."""
        flux = self.sample.flux.reshape(-1, *[1] * (expected.ndim - 1))
        signal = np.maximum(expected, 0.0)
        return np.asarray(
            (self.noise / flux) ** 2 + signal / (flux * self.gain) + (error * signal) ** 2
        )

    def _smooth(self, seen: FloatArray, errors: FloatArray) -> NDArray[np.float64]:
        """Give the polynomials of the modes seen in the kept stars."""
        return fit_field(self.sample, seen, errors, self.kept, self.model.degree, self.model.shape)

    def _fit_model(self, modes: FloatArray, weight: FloatArray) -> None:
        """Fit what few stars have in common besides their modes, or every pixel on its own."""
        if not self._is_rich():
            self._fit_pixels(weight, slice(1), np.tensordot(self.field, modes, axes=1))
            return
        self.field = np.zeros_like(self.field)
        self._fit_pixels(weight, slice(None), np.zeros_like(self.model.coefficients))

    def _fit_pixels(self, weight: FloatArray, terms: slice, change: NDArray[np.float64]) -> None:
        """Fit ``terms`` of the pixels' polynomials to what ``change`` leaves unexplained."""
        values = self.sample.stamps.pixels / self.sample.flux[:, None, None]
        values = values - np.tensordot(self.design, change, axes=1)
        profile = self.model.coefficients[0]
        weight = weight * self.kept[:, None, None]
        rest = _solve_pixels(self.design[:, terms], values, weight, profile)
        change[terms] += rest
        # the slopes in the modes ring along rows and columns where a profile is undersampled
        smooth = smooth_wings(change, WING_START * stamp_fwhm(rest[0]), weight.sum(axis=0))
        self.model = replace(self.model, coefficients=smooth, n_stars=int(self.kept.sum()))

    def _compare(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give the reduced chi square of the core of every star, and its flux by the new model.

        The latter in units of that by the model before, whose sum may have held noise.
        """
        core = radii(self.model.half) < WING_START * self.model.fwhm
        expected = self.model.many(self.sample.x, self.sample.y)[:, core]
        seen = self.sample.stamps.pixels[:, core] / self.sample.flux[:, None]
        good = self.sample.stamps.good[:, core]
        weight = good / self._variance(expected, STAR_ERROR)
        total = np.maximum((weight * expected**2).sum(axis=1), np.finfo(float).tiny)
        level = (weight * expected * seen).sum(axis=1) / total
        pull = weight * (seen - level[:, None] * expected) ** 2
        return pull.sum(axis=1) / np.maximum(good.sum(axis=1), 1), level


def degree_for(n_stars: int, max_degree: int) -> int:
    """Give the highest degree of the modes' polynomials that ``n_stars`` support."""
    return min(max_degree, next(degree for degree, need in STARS_FOR_DEGREE if n_stars >= need))


def _mean_profile(sample: StarSample) -> NDArray[np.float64]:
    """Give the median of the normalised stamps, bright stars counting for more: a first PSF."""
    count, *shape = sample.stamps.pixels.shape
    # pixel by pixel: sorting across stamps would go through the memory in leaps
    values = np.ascontiguousarray(sample.stamps.pixels.reshape(count, -1).T)
    values /= sample.flux
    order = np.argsort(values, axis=1)
    weight = _mean_weight(sample)
    share = np.cumsum(weight[order], axis=1)
    middle = (share < share[:, -1:] / 2).sum(axis=1)
    pixel = np.arange(len(values))
    profile = values[pixel, order[pixel, middle]].reshape(shape)
    profile = smooth_wings(profile[None], WING_START * stamp_fwhm(profile))[0]
    scaled: NDArray[np.float64] = profile / profile.sum()
    return scaled


def _mean_weight(sample: StarSample) -> NDArray[np.float64]:
    """Give what each star counts; the brightest few alike: one of them may have a neighbour."""
    brightest = np.sort(sample.flux)[-min(BRIGHTEST, len(sample.flux))]
    return np.asarray(np.minimum(sample.flux, brightest))


def _mean_error(sample: StarSample) -> float:
    """Give the error of a pixel of the first profile where a pixel of a frame has one of 1."""
    weight = _mean_weight(sample)
    return float(MEDIAN_ERROR * np.linalg.norm(weight / sample.flux) / weight.sum())


def _solve_pixels(
    design: FloatArray, values: FloatArray, weight: FloatArray, profile: FloatArray
) -> NDArray[np.float64]:
    """Solve for the (terms, side, side) coefficients of every pixel of a stamp on its own."""
    count, terms = design.shape
    weight, values = weight.reshape(count, -1), values.reshape(count, -1)
    products = (design[:, :, None] * design[:, None, :]).reshape(count, -1)
    normal = (weight.T @ products).reshape(-1, terms, terms)
    right = (weight * values).T @ design
    flat = profile.ravel()
    width = LARGEST_CHANGE * np.maximum(flat, 0) + LEAST_CHANGE * flat.max()
    free = np.arange(1, terms)
    normal[:, free, free] += (1 / width**2)[:, None]
    # a pixel that is good in no star must not make the solution fail
    normal[:, 0, 0] += np.finfo(float).tiny + 1e-9 * normal[:, 0, 0]
    solved = np.linalg.solve(normal, right[..., None])[..., 0]
    return np.asarray(solved.T.reshape(terms, *profile.shape))
