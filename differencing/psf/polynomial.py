"""Smooth quantities over a frame: two-dimensional polynomials with robust fits."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from differencing.subtraction.noise import robust_sigma

FloatArray = NDArray[np.floating]

CLIP_SIGMA = 3.5  # leaves 99.95 % of Gaussian residuals in
CLIP_ROUNDS = 5
SOFT_SIGMA = 2.0  # beyond it a value loses weight, as in a Cauchy distribution
SOFT_ROUNDS = 8


def exponents(degree: int) -> list[tuple[int, int]]:
    """List the powers (of x, of y) of a polynomial of total ``degree``."""
    return [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]


def design_matrix(
    x: FloatArray, y: FloatArray, shape: tuple[int, int], degree: int
) -> NDArray[np.float64]:
    """Evaluate every term at positions ``x``, ``y`` (px), scaled to -1..1 over ``shape``.

    Returns
    -------
    (n, terms) array
    """
    u, v = _scaled(x, shape[1]), _scaled(y, shape[0])
    along, down = [np.ones_like(u)], [np.ones_like(v)]
    for _ in range(degree):
        along.append(along[-1] * u)
        down.append(down[-1] * v)
    powers = exponents(degree)
    design = np.empty((*np.broadcast_shapes(u.shape, v.shape), len(powers)))
    for term, (i, j) in enumerate(powers):
        np.multiply(along[i], down[j], out=design[..., term])
    return design


def variance_of(
    covariance: NDArray[np.float64], degree: int, shape: tuple[int, int]
) -> "Polynomial":
    """Give the variance of a polynomial of ``degree`` whose coefficients have the ``covariance``.

    Of the coefficients c_a of the terms t_a it is sum cov(c_a, c_b) t_a t_b.
    """
    terms, squares = exponents(degree), exponents(2 * degree)
    coefficients = np.zeros(len(squares))
    for (of_x, of_y), row in zip(terms, covariance, strict=True):
        for (more_x, more_y), value in zip(terms, row, strict=True):
            coefficients[squares.index((of_x + more_x, of_y + more_y))] += value
    return Polynomial(coefficients, 2 * degree, shape)


def _scaled(position: NDArray, size: int) -> NDArray[np.float64]:
    return 2.0 * np.asarray(position, np.float64) / size - 1.0


@dataclass(frozen=True)
class Polynomial:
    """A scalar that varies smoothly over a frame of ``shape`` (ny, nx)."""

    coefficients: NDArray[np.float64]
    degree: int
    shape: tuple[int, int]

    def at(self, x: FloatArray | float, y: FloatArray | float) -> NDArray[np.float64]:
        """Evaluate at positions (px)."""
        design = design_matrix(np.asarray(x, float), np.asarray(y, float), self.shape, self.degree)
        return design @ self.coefficients

    def factors(self, rows: slice, columns: slice) -> tuple[FloatArray, FloatArray]:
        """Give the (rows, n) and (n, columns) matrices whose product is the value in a window.

        The first of the n stands for what is constant along the rows.
        """
        square = np.zeros((self.degree + 1, self.degree + 1))
        for coefficient, (i, j) in zip(self.coefficients, exponents(self.degree), strict=True):
            square[j, i] = coefficient
        powers_y, powers_x = (_powers(size, self.degree) for size in self.shape)
        down = powers_y[rows] @ square
        return down.astype(np.float32), powers_x[columns].T.astype(np.float32)

    def less(self, constant: float) -> "Polynomial":
        """Give the polynomial with a constant taken away."""
        first = np.arange(len(self.coefficients)) == 0
        return replace(self, coefficients=self.coefficients - constant * first)


@lru_cache(maxsize=16)
def _powers(size: int, degree: int) -> NDArray[np.float64]:
    """Give the (size, degree + 1) powers of the scaled places of all pixels along a side."""
    powers = np.vander(_scaled(np.arange(size), size), degree + 1, increasing=True)
    powers.flags.writeable = False
    return powers


def fit_polynomial(
    positions: tuple[FloatArray, FloatArray],
    values: FloatArray,
    weights: FloatArray,
    *,
    degree: int,
    shape: tuple[int, int],
    expected: tuple[float, ...] = (),
) -> tuple[Polynomial, NDArray[np.bool_]]:
    """Fit a polynomial by weighted least squares, clipping outliers.

    Parameters
    ----------
    positions : pair of (n,) arrays
        x and y in px.
    values, weights : (n,) arrays
        What is fitted, and the inverse variance of each.
    degree : int
    shape : (ny, nx)
        Of the frame, px.
    expected : tuple of float, optional
        Size of the coefficients of each total degree from 1 on, in the unit of ``values``; it
        keeps few values from being followed by many coefficients. None is expected by default.

    Returns
    -------
    Polynomial, (n,) bool array
        The fit, and which values it rests on.
    """
    design = design_matrix(*positions, shape, degree)
    prior = _prior(degree, expected)
    rows, free = np.diag(prior), int((prior == 0).sum())
    root = np.sqrt(weights)
    pulls = (values - np.median(values)) * root
    kept = np.ones(len(values), bool)
    for trial in range(SOFT_ROUNDS + CLIP_ROUNDS):
        # outliers lose weight before they are clipped: they may be many and lie far off
        soft = root / np.hypot(1, pulls / SOFT_SIGMA) if trial < SOFT_ROUNDS else root * kept
        left = np.concatenate([design * soft[:, None], rows])
        solved = np.linalg.lstsq(left, np.concatenate([values * soft, np.zeros(len(rows))]))[0]
        pulls = (values - design @ solved) * root
        if trial < SOFT_ROUNDS - 1:
            continue
        agreeing = np.abs(pulls) <= CLIP_SIGMA * max(robust_sigma(pulls[kept]), 1e-6)
        if agreeing.sum() <= free or np.array_equal(agreeing, kept):
            break
        kept = agreeing
    return Polynomial(np.asarray(solved, np.float64), degree, shape), kept


def _prior(degree: int, expected: tuple[float, ...]) -> NDArray[np.float64]:
    """Give the inverse of what each coefficient is expected to be, 0 where anything may be."""
    totals = [i + j for i, j in exponents(degree)]
    return np.array(
        [1 / expected[total - 1] if 0 < total <= len(expected) else 0.0 for total in totals]
    )
