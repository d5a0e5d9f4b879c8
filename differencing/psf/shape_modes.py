"""The ways in which a PSF changes over a field: its width, its elongation, its centre."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from differencing.psf.model import EXPECTED_CHANGE
from differencing.psf.polynomial import fit_polynomial
from differencing.psf.sample import StarSample
from differencing.subtraction.noise import BoolArray, FloatArray

MODES, WIDTH = 5, 0  # width, two of elongation, x and y
UNKNOWN = 1e6  # error of a mode of which a star shows nothing, relative or px
STAR_SCATTER = 0.01  # of a mode from star to star beyond noise: keeps bright ones from ruling


@dataclass(frozen=True)
class StarShapes:
    """PSF flux (ADU) of each of ``n`` stars, and how much of each mode it shows."""

    flux: NDArray[np.float64]  # (n,)
    modes: NDArray[np.float64]  # (n, 5), relative or px
    errors: NDArray[np.float64]  # (n, 5)


def shape_modes(profile: FloatArray) -> NDArray[np.float64]:
    """Give the (5, side, side) derivatives of a PSF by log width, two elongations and x, y.

    To first order in a small change these five make any PSF that optics, focus, tracking or
    seeing have widened, stretched or moved.
    """
    half = profile.shape[-1] // 2
    offset = np.arange(-half, half + 1)
    slope_x, slope_y = slopes(profile)
    x_x, y_y = offset[None, :] * slope_x, offset[:, None] * slope_y
    crossed = offset[:, None] * slope_x + offset[None, :] * slope_y
    modes = np.stack([2 * profile + x_x + y_y, x_x - y_y, crossed, slope_x, slope_y])
    return np.asarray(-modes)


def slopes(profile: FloatArray) -> NDArray[np.float64]:
    """Give d/dx and d/dy of a stamp that is zero at its rim, exact for its band of frequencies."""
    spectrum = fft.rfft2(profile)
    side = profile.shape[-1]
    by_y = 2j * np.pi * fft.fftfreq(side)[:, None]
    by_x = 2j * np.pi * fft.rfftfreq(side)[None, :]
    found: NDArray[np.float64] = fft.irfft2(
        np.stack([spectrum * by_x, spectrum * by_y]), (side,) * 2
    )
    return found


def measure_shapes(
    sample: StarSample, expected: FloatArray, modes: FloatArray, weight: FloatArray
) -> StarShapes:
    """Fit every star's flux and how its modes differ from those expected, by least squares.

    Parameters
    ----------
    sample : StarSample
    expected : (n, side, side) array
        PSF at each star, sum 1.
    modes : (5, side, side) array
        Of :func:`shape_modes`.
    weight : (n, side, side) array
        Inverse variance of each pixel of a stamp in units of the star's flux, 0 where unusable.
    """
    count, terms = len(expected), len(modes) + 1
    pixels, expected, weight = (
        array.reshape(count, -1) for array in (sample.stamps.pixels, expected, weight)
    )
    modes = modes.reshape(len(modes), -1)
    seen = weight * pixels / sample.flux[:, None]
    normal = np.empty((count, terms, terms))
    normal[:, 0, 0] = (weight * expected**2).sum(axis=1)
    normal[:, 0, 1:] = normal[:, 1:, 0] = (weight * expected) @ modes.T
    products = (modes[:, None] * modes[None]).reshape(-1, modes.shape[1])
    normal[:, 1:, 1:] = (weight @ products.T).reshape(count, terms - 1, terms - 1)
    # a star without good pixels must not make the solution fail
    normal += np.eye(terms) * (np.finfo(float).tiny + 1e-9 * normal[:, :1, :1])
    right = np.concatenate([(seen * expected).sum(axis=1, keepdims=True), seen @ modes.T], axis=1)
    solved = np.linalg.solve(normal, right[..., None])[..., 0]
    share = np.maximum(solved[:, :1], np.finfo(float).eps)
    variance = np.maximum(np.linalg.inv(normal).diagonal(axis1=1, axis2=2), 0)
    errors = np.minimum(np.sqrt(variance[:, 1:]) / share, UNKNOWN)
    return StarShapes(sample.flux * solved[:, 0], solved[:, 1:] / share, errors)


def fit_field(
    sample: StarSample, values: FloatArray, errors: FloatArray, kept: BoolArray,
    degree: int, shape: tuple[int, int],
) -> NDArray[np.float64]:  # fmt: skip
    """Fit each mode as a polynomial of the position, few stars being held to little change.

    Parameters
    ----------
    sample : StarSample
    values, errors : (n, 5) arrays
    kept : (n,) bool array
        The stars to use.
    degree : int
    shape : (ny, nx)

    Returns
    -------
    (terms, 5) array
        Coefficients of :func:`differencing.psf.polynomial.design_matrix`.
    """
    where = sample.x[kept], sample.y[kept]
    weights = 1 / (errors[kept] ** 2 + STAR_SCATTER**2)
    expected = (EXPECTED_CHANGE,) * degree
    fits = [
        fit_polynomial(where, value, weight, degree=degree, shape=shape, expected=expected)[0]
        for value, weight in zip(values[kept].T, weights.T, strict=True)
    ]
    return np.stack([fit.coefficients for fit in fits], axis=1)
