"""A smooth surface through levels measured on parts of a frame: penalized splines."""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from scipy import sparse
from scipy.interpolate import BSpline
from scipy.linalg import cho_solve_banded, cholesky_banded

from differencing.subtraction.noise import FloatArray
from preprocessing.sky.mesh import MAD_TO_SIGMA

DEGREE = 2
# Third differences are penalized, so that parabolas are kept, to the frame's edge and beyond the
# last level; second ones a little, for where levels are too few to tell a parabola from noise.
CURVED, BENT = 1.0, 0.03
# Flattens what the levels leave open; too weak for anything else.
TILTED = 1e-7
FLAT = 4  # surfaces that neither of the first two penalizes: 1, x, y and xy
# The penalty, in weights of a usual level, from a surface through nearly every level to a plane,
# each five times as far as the one before; levels that stand alone are seen against the usual one.
PENALTIES = (0.003, 0.1, 3.0, 100.0, 3000.0)
USUAL = 1
# Levels that stand further from the surface than this, in the usual distance, are none of it.
OUTLYING_SIGMA = 4.0
TINIEST = 1e-300


@dataclass(frozen=True, eq=False)
class Levels:
    """What was measured, and where.

    Attributes
    ----------
    level, weight : (n,) arrays
        Means over parts of the frame, and the inverses of their variances in any unit.
    splines : (n, k l) sparse array
        Mean of each product of splines over each part.
    shape : (int, int)
        k and l: splines down and along the frame.
    """

    level: FloatArray
    weight: FloatArray
    splines: sparse.csr_array
    shape: tuple[int, int]


@dataclass(frozen=True, eq=False)
class PenalizedFit:
    """A weighted fit whose penalty is still to be chosen.

    Attributes
    ----------
    splines : (n, m) sparse array
    level, weight : (n,) arrays
    stiffness : (k, m) array
        Lower bands of the matrix of the penalty.
    """

    splines: sparse.csr_array
    level: FloatArray
    weight: FloatArray
    stiffness: FloatArray

    @cached_property
    def normal(self) -> FloatArray:
        """Lower bands of the matrix of the fit without a penalty."""
        weighted = sparse.diags_array(self.weight) @ self.splines
        return lower_bands(sparse.csr_array(self.splines.T @ weighted), least=len(self.stiffness))

    def solve(self, penalty: float) -> tuple[FloatArray, float]:
        """Give the weights of the splines, and how unlikely the penalty is (-2 log, restricted).

        References
        ----------
        Eilers & Marx 1996, Stat. Sci. 11, 89, eq. 12; Wood 2011, J. R. Stat. Soc. B 73, 3, eq. 4.
        """
        bands = self.normal.copy()
        bands[: len(self.stiffness)] += penalty * self.stiffness
        factor = cholesky_banded(bands, overwrite_ab=True, lower=True, check_finite=False)
        right = self.splines.T @ (self.weight * self.level)
        found = cho_solve_banded((factor, True), right)
        left = max(float(self.weight @ self.level**2 - found @ right), TINIEST)
        free = max(int((self.weight > 0).sum()) - FLAT, 1)
        unlikely = 2 * np.log(factor[0]).sum() - (len(found) - FLAT) * np.log(penalty)
        return found, float(unlikely + free * np.log(left))

    @cached_property
    def usual(self) -> tuple[FloatArray, float]:
        """What :meth:`solve` gives for the usual penalty."""
        return self.solve(PENALTIES[USUAL])

    def likeliest(self) -> FloatArray:
        """Give the weights of the splines for the penalty that the levels make likeliest."""
        best = self.usual
        for way in (PENALTIES[USUAL + 1 :], PENALTIES[:USUAL][::-1]):
            for penalty in way:
                found = self.solve(penalty)
                if found[1] >= best[1]:
                    break
                best = found
            if best is not self.usual:
                break
        return best[0]

    def without_outlying(self) -> "PenalizedFit":
        """Leave out the levels that stand far from the surface of the usual penalty."""
        distance = np.abs(self.splines @ self.usual[0] - self.level) * np.sqrt(self.weight)
        typical = MAD_TO_SIGMA * float(np.median(distance[self.weight > 0]))
        outlying = distance > OUTLYING_SIGMA * typical
        return replace(self, weight=np.where(outlying, 0, self.weight)) if outlying.any() else self


def fit_surface(levels: Levels) -> FloatArray:
    """Fit a surface that is as smooth as the levels say, those that stand alone left out.

    Returns
    -------
    (k, l) array
        Weight of each product of splines. Zero where no level has a weight.
    """
    known = levels.weight > 0
    if not known.any():
        return np.zeros(levels.shape)
    weight = levels.weight / np.median(levels.weight[known])
    middle = float(np.average(levels.level, weights=weight))
    fit = PenalizedFit(levels.splines, levels.level - middle, weight, stiffness(levels.shape))
    return np.asarray(fit.without_outlying().likeliest() + middle).reshape(levels.shape)


@lru_cache(maxsize=4)
def stiffness(shape: tuple[int, int]) -> FloatArray:
    """Give the lower bands of the matrix of the penalty for ``shape`` products of splines."""
    down, along = (sparse.eye_array(count) for count in shape)
    rows, columns = (roughness(count) for count in shape)
    bands = lower_bands(sparse.csr_array(sparse.kron(rows, along) + sparse.kron(down, columns)))
    bands.flags.writeable = False
    return bands


def roughness(count: int) -> sparse.csr_array:
    """Give the matrix of the summed squares of differences along ``count`` splines."""
    total = sparse.csr_array((count, count))
    difference = sparse.eye_array(count, format="csr")
    for weight in (TILTED, BENT, CURVED):
        difference = difference[1:] - difference[:-1]
        total = total + weight * (difference.T @ difference)
    return sparse.csr_array(total)


def lower_bands(matrix: sparse.csr_array, *, least: int = 1) -> FloatArray:
    """Give the diagonal and what lies below it of a symmetric matrix, one band a row.

    The number of rows is ``least`` at least; bands beyond those of the matrix are zero.
    """
    entries = matrix.tocoo()
    below = entries.row - entries.col
    lower = below >= 0
    found = np.zeros((max(int(below.max(initial=0)) + 1, least), matrix.shape[0]))
    found[below[lower], entries.col[lower]] = entries.data[lower]
    return found


@lru_cache(maxsize=8)
def splines_of_pixels(length: int, parts: int) -> FloatArray:
    """Give the (length, parts + 2) values of the splines in the middles of pixels, float32."""
    values = spline_basis(np.arange(length) + 0.5, parts=parts, length=length)
    dense = np.asarray(values.toarray(), np.float32)
    dense.flags.writeable = False
    return dense


def spline_basis(places: FloatArray, *, parts: int, length: float) -> sparse.csr_array:
    """Give the value at each place of each of the ``parts + 2`` quadratic splines of a length.

    Parameters
    ----------
    places : (n,) array
        From 0 to ``length``.
    """
    knots = np.arange(-DEGREE, parts + DEGREE + 1) * (length / parts)
    return sparse.csr_array(BSpline.design_matrix(places, knots, DEGREE))
