"""The convolution kernel that gives one frame the PSF of another, varying over the field.

The kernel is a sum of Gaussians times polynomials (Alard & Lupton 1998, ApJ 503, 325, eq. 3).
All of them but the first are made to sum to zero, and the share of the first is constant, so
that the flux scale does not change over the field (Alard 2000, A&AS 144, 363, sect. 3.2).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from differencing.psf.polynomial import design_matrix
from differencing.psf.stamps import Stamps
from differencing.subtraction.noise import BoolArray, FloatArray

Kernel = NDArray[np.float64]

# widths in units of the one that would match two Gaussian seeings, and degrees of the polynomials
WIDTHS, DEGREES = (0.5, 1.0, 2.0), (4, 4, 2)
STARS_FOR_DEGREE = ((2, 30), (1, 12), (0, 1))
PRIOR = 1.0  # of a coefficient, in units of the first kernel's size: hardly binds a constant term
PRIOR_CHANGE = 0.3  # the same for terms that vary over the field
LIGHT_ERROR = 0.01  # of a star's light: keeps the brightest from ruling the fit
CLIP_ROUNDS = 5
WORST_MISFIT = 3.0  # times the median chi square: such a star varies, or is not one


@dataclass(frozen=True)
class KernelModel:
    """A kernel whose coefficients are polynomials of the position in the frame."""

    coefficients: NDArray[np.float64]  # (kernels, terms); the first kernel has its first term only
    basis: NDArray[np.float64]  # (kernels, side, side)
    degree: int
    shape: tuple[int, int]
    n_stars: int
    misfit: float  # median reduced chi square of the stars it was fitted to

    @property
    def total(self) -> float:
        """What the kernel sums to, everywhere."""
        return float(self.coefficients[0, 0])

    def at(self, x: float, y: float) -> Kernel:
        """Give the kernel at (``x``, ``y``) px."""
        terms = design_matrix(np.array([x]), np.array([y]), self.shape, self.degree)[0]
        stamp: Kernel = np.tensordot(self.coefficients @ terms, self.basis, axes=1)
        return stamp

    def slopes(self, x: float, y: float) -> tuple[Kernel, Kernel]:
        """Give the change of the kernel per px along x and along y."""
        along_x = (self.at(x + 0.5, y) - self.at(x - 0.5, y)) / 1.0
        along_y = (self.at(x, y + 0.5) - self.at(x, y - 0.5)) / 1.0
        return along_x, along_y


@dataclass(frozen=True)
class KernelSample:
    """Stamps of stars in both frames, in one unit and on one grid."""

    broad: Stamps  # (n, k, k), of the frame with the poorer seeing
    sharp: Stamps  # (n, k + 2 half, k + 2 half): the kernel needs what lies around
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    noise: tuple[float, float]  # 1-sigma of a pixel, broad and sharp, ADU
    gain: tuple[float, float]  # e-/ADU, likewise


def gaussian_basis(sigma: float, half: int) -> NDArray[np.float64]:
    """Give Gaussians of widths around ``sigma`` px times polynomials.

    Returns
    -------
    (n, 2 half + 1, 2 half + 1) array
        The first sums to 1, all others to 0 and have the power of the first.
    """
    offset = np.arange(-half, half + 1.0)
    x, y = np.meshgrid(offset, offset)
    first = _gaussian(x, y, sigma * WIDTHS[1])
    size = np.sqrt((first**2).sum())
    found = [first]
    for width, degree in zip(WIDTHS, DEGREES, strict=True):
        scale = sigma * width
        envelope = _gaussian(x, y, scale)
        for i, j in _powers(degree):
            if (i, j, width) == (0, 0, WIDTHS[1]):
                continue  # the first one
            shape = envelope * (x / scale) ** i * (y / scale) ** j
            shape = shape - shape.sum() * first
            found.append(shape * size / np.sqrt((shape**2).sum()))
    return np.stack(found)


def _gaussian(x: FloatArray, y: FloatArray, sigma: float) -> NDArray[np.float64]:
    profile = np.exp(-(x**2 + y**2) / (2 * sigma**2))
    scaled: NDArray[np.float64] = profile / profile.sum()
    return scaled


def _powers(degree: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]


def fit_kernel(
    sample: KernelSample, *, sigma: float, half: int, shape: tuple[int, int], max_degree: int
) -> KernelModel:
    """Fit the kernel that turns the sharp stamps into the broad ones.

    Parameters
    ----------
    sample : KernelSample
    sigma : float
        Typical width of the kernel, px.
    half : int
        Half width of the kernel, px.
    shape : (ny, nx)
        Of the frame.
    max_degree : int
        Of the change over the field; it falls to 1 below 30 and to 0 below 12 stars.

    Raises
    ------
    ValueError
        If there is no star.

    References
    ----------
    Alard & Lupton 1998, ApJ 503, 325, eqs. 2-4; Alard 2000, A&AS 144, 363.
    """
    if len(sample.x) == 0:
        raise ValueError("no star to fit the kernel to")
    basis = gaussian_basis(sigma, half)
    equations = _equations(sample, basis)
    kept = np.ones(len(sample.x), bool)
    for _ in range(CLIP_ROUNDS):
        degree = _degree_for(int(kept.sum()), max_degree)
        terms = design_matrix(sample.x, sample.y, shape, degree)
        coefficients = _solve(equations.chosen(kept), terms[kept])
        misfit = equations.misfit(terms @ coefficients.T)
        agreeing = misfit < WORST_MISFIT * max(1.0, float(np.median(misfit[kept])))
        if np.array_equal(agreeing, kept) or not agreeing.any():
            break
        kept = agreeing
    median = float(np.median(misfit[kept]))
    return KernelModel(coefficients, basis, degree, shape, int(kept.sum()), median)


def _degree_for(n_stars: int, max_degree: int) -> int:
    return min(max_degree, next(degree for degree, need in STARS_FOR_DEGREE if n_stars >= need))


@dataclass(frozen=True)
class _Equations:
    """Normal equations of every star for kernels that are constant on its stamp."""

    matrix: NDArray[np.float64]  # (n, kernels, kernels)
    right: NDArray[np.float64]  # (n, kernels)
    power: NDArray[np.float64]  # (n,) weighted square of the broad stamp
    pixels: NDArray[np.float64]  # (n,) how many are good

    def chosen(self, index: BoolArray) -> "_Equations":
        """Give the stars at ``index``."""
        return _Equations(**{name: values[index] for name, values in vars(self).items()})

    def misfit(self, weights: FloatArray) -> NDArray[np.float64]:
        """Give the reduced chi square of each star under its (n, kernels) coefficients."""
        total = self.power - 2 * (weights * self.right).sum(axis=1)
        total += np.einsum("sn,snm,sm->s", weights, self.matrix, weights)
        reduced: NDArray[np.float64] = total / np.maximum(self.pixels, 1)
        return reduced


def _equations(sample: KernelSample, basis: NDArray[np.float64]) -> _Equations:
    """Set up least squares star by star: memory stays that of one star's stamps."""
    spectra, side = _transforms(basis, sample.sharp.pixels.shape[-1])
    half = basis.shape[-1] // 2
    keep = slice(2 * half, sample.sharp.pixels.shape[-1])
    parts = []
    for broad, sharp, good in zip(
        sample.broad.pixels, sample.sharp.pixels, _usable(sample, half), strict=True
    ):
        light = fft.irfft2(spectra * fft.rfft2(sharp, (side, side)), (side, side))
        seen = light[:, keep, keep].reshape(len(basis), -1)
        weight = (good / _variance(sample, seen[0].reshape(broad.shape), basis)).ravel()
        weighted = seen * weight
        flat = broad.ravel()
        parts.append((weighted @ seen.T, weighted @ flat, weight @ flat**2, good.sum()))
    return _Equations(*(np.array(part, np.float64) for part in zip(*parts, strict=True)))


def _transforms(basis: NDArray[np.float64], size: int) -> tuple[NDArray[np.complex128], int]:
    side = int(fft.next_fast_len(size + basis.shape[-1] - 1, real=True))
    return np.asarray(fft.rfft2(basis, (side, side))), side


def _usable(sample: KernelSample, half: int) -> BoolArray:
    """Leave out pixels that are bad in either frame; a bad sharp one spoils its own place."""
    inner = slice(half, sample.sharp.good.shape[-1] - half)
    usable: BoolArray = sample.broad.good & sample.sharp.good[:, inner, inner]
    return usable


def _variance(
    sample: KernelSample, light: FloatArray, basis: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give the variance of broad minus convolved pixels, the model's error included."""
    power = (basis[0] ** 2).sum()  # of the sharp frame's noise left by a kernel of that width
    signal = np.maximum(light, 0)
    total: NDArray[np.float64] = (
        sample.noise[0] ** 2
        + power * sample.noise[1] ** 2
        + signal * (1 / sample.gain[0] + power / sample.gain[1])
    )
    return total + (LIGHT_ERROR * signal) ** 2


def _solve(equations: _Equations, terms: FloatArray) -> NDArray[np.float64]:
    """Solve for the (kernels, terms) coefficients, those of the first kernel constant."""
    n_kernels, n_terms = equations.right.shape[1], terms.shape[1]
    normal = np.einsum("snm,si,sj->nimj", equations.matrix, terms, terms, optimize=True)
    right = np.einsum("sn,si->ni", equations.right, terms)
    size = n_kernels * n_terms
    free = np.ones((n_kernels, n_terms), bool)
    free[0, 1:] = False
    width = np.full((n_kernels, n_terms), PRIOR_CHANGE)
    width[:, 0] = PRIOR
    prior = np.where(np.arange(size) == 0, 0.0, 1 / width.ravel() ** 2)
    index = np.flatnonzero(free.ravel())
    matrix = normal.reshape(size, size)[np.ix_(index, index)] + np.diag(prior[index])
    solved = np.zeros(size)
    solved[index] = np.linalg.solve(matrix, right.ravel()[index])
    return solved.reshape(n_kernels, n_terms)
