"""How flux, shape and place of all sources differ from a match, as smooth fields over a frame."""

import numpy as np
from numpy.typing import NDArray

from differencing.psf.match import EXPECTED_SHIFT, FrameMatch
from differencing.psf.mismatch import TERMS, Mismatch
from differencing.psf.model import EXPECTED_CHANGE
from differencing.psf.polynomial import design_matrix, exponents
from differencing.subtraction.noise import BoolArray

SHIFT_DEGREE, SHAPE_DEGREE, FLUX_DEGREE = 5, 2, 2
DEGREES = (FLUX_DEGREE, *[SHAPE_DEGREE] * 3, *[SHIFT_DEGREE] * 2)  # of flux, three shapes, x and y
FREE_SHIFT = 10.0  # px; the common shift may be anything
HIGHER_SHIFT = 0.12, 0.08  # px; coefficients of degree 4 and 5, as EXPECTED_SHIFT
FREE_FLUX, FLUX_CHANGE = 1.0, 0.02  # relative: of the ratio, and over the frame
# What sources differ by from the smooth fields, in each term: expected before they are seen.
STAR_SCATTER = np.array([0.02, 0.006, 0.006, 0.006, 0.02, 0.02])
OTHER_SCATTER = np.array([0.03, 0.04, 0.04, 0.04, 0.03, 0.03])  # a new source changes a galaxy
EXPECTED_WEIGHT = 4.0  # sources that the expected scatter counts as
FLUX_ERROR = 0.02  # of a source, keeps the brightest from ruling the common flux ratio
ANY_CHANGE = 1.0  # relative, of the flux of a source that does not share the common ratio
VARIABLE_SHARE, VARIABLE_CHANGE = 0.2, 0.3  # of the sources; relative, of the flux of such a one
LEAST_STEADY = 1e-4  # of certainty that a flux stands still; less tells nothing, either
SOFT = 2.0  # sigma per term; beyond it a source loses weight, as in a Cauchy distribution
SOFT_ROUNDS, HARD_ROUNDS = 6, 4
FURTHEST = 22.5  # chi square of six terms: 99.9 % of Gaussian ones are nearer
KINDS = ((0,), (1, 2, 3), (4, 5))  # terms whose coefficients are of one size
TERM_OF = np.repeat(np.arange(TERMS), [len(exponents(degree)) for degree in DEGREES])
# the common flux ratio and the common shift may be anything
IS_FREE = np.isin(TERM_OF, (0, 4, 5)) & np.concatenate(
    [[power == (0, 0) for power in exponents(degree)] for degree in DEGREES]
)
SIZE_WEIGHT = 3.0  # coefficients that the expected size counts as


class MatchFit:
    """A generalised least-squares fit of six fields, robust against sources that changed."""

    def __init__(
        self,
        seen: Mismatch,
        is_star: BoolArray,
        expected: tuple[NDArray[np.float64], NDArray[np.float64]],
        shape: tuple[int, int],
    ) -> None:
        self.seen, self.is_star, self.shape = seen, is_star, shape
        self.mean, self.expected = expected
        self.precision = self.held = self.expected
        self.design = _design(seen.x, seen.y, shape)
        self.scatter = STAR_SCATTER
        self.soft, self.steady = np.ones((2, len(seen.x)))
        self.covariance = np.diag(1 / self.precision)

    def solve(self, floor: float) -> list[NDArray[np.float64]]:
        """Give the coefficients of each term."""
        start = np.zeros(TERMS)
        start[0] = common_flux(self.seen.terms[:, 0], self.seen.covariance[:, 0, 0])
        left = self.seen.terms - start
        for trial in range(SOFT_ROUNDS + HARD_ROUNDS):
            self._learn_steady(left[:, 0], FLUX_CHANGE if trial < SOFT_ROUNDS else 0.0)
            weight = self._weights()
            distance = np.einsum("na,nab,nb->n", left, weight, left)
            if trial < SOFT_ROUNDS:
                self.soft = 1 / (1 + distance / (TERMS * SOFT**2))
            else:
                self.soft = (distance < FURTHEST).astype(float)
            solved = self._step(weight)
            left = self.seen.terms - self.design @ solved
            self._learn_scatter(left, floor)
            self._learn_size(solved)
        ends = np.cumsum([count_terms(degree) for degree in DEGREES])
        return np.split(solved, ends[:-1])

    def _weights(self) -> NDArray[np.float64]:
        variance = self._scatter() ** 2
        variance[:, 0] /= self.steady
        return np.asarray(
            np.linalg.inv(self.seen.covariance + variance[:, :, None] * np.eye(TERMS))
        )

    def _scatter(self) -> NDArray[np.float64]:
        """Give what each source may differ by from the fields."""
        return np.where(self.is_star[:, None], self.scatter, OTHER_SCATTER)

    def _learn_steady(self, left: NDArray[np.float64], unknown: float) -> None:
        """Estimate how likely each flux stands still; ``unknown`` is what its field is wrong by.

        A star that varies still shows the shape and the place of its light.
        """
        still = self.seen.covariance[:, 0, 0] + self._scatter()[:, 0] ** 2 + unknown**2
        varied = still + VARIABLE_CHANGE**2
        odds = VARIABLE_SHARE / (1 - VARIABLE_SHARE) * np.sqrt(still / varied)
        excess = np.minimum(left**2 * (1 / still - 1 / varied) / 2, 50.0)
        self.steady = np.maximum(1 / (1 + odds * np.exp(excess)), LEAST_STEADY)

    def _step(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        weighted = self.soft[:, None, None] * (weight @ self.design)
        normal = np.einsum("nat,nau->tu", self.design, weighted, optimize=True)
        normal[np.diag_indices_from(normal)] += self.precision
        right = np.einsum("nat,na->t", weighted, self.seen.terms) + self.precision * self.mean
        self.covariance, self.held = np.linalg.inv(normal), self.precision
        return np.asarray(self.covariance @ right)

    def _learn_size(self, solved: NDArray[np.float64]) -> None:
        """Estimate how large the coefficients of flux, shapes and shift are in this pair.

        One step of expectation and maximisation towards their most likely size (empirical
        Bayes), which tells how well the fields are known where no source is near.
        """
        size = ((solved - self.mean) ** 2 + self.covariance.diagonal()) * self.expected
        self.precision = self.expected.copy()
        for kind in KINDS:
            mine = np.isin(TERM_OF, kind) & ~IS_FREE
            scale = (SIZE_WEIGHT + size[mine].sum()) / (SIZE_WEIGHT + mine.sum())
            self.precision[mine] /= scale

    def covariance_of(self, term: int) -> NDArray[np.float64]:
        """Give the covariance of the coefficients of one term."""
        mine = np.flatnonzero(np.equal(TERM_OF, term))
        return np.asarray(self.covariance[np.ix_(mine, mine)])

    def gain_of(self, term: int) -> NDArray[np.float64]:
        """Give what the fitted coefficients of one term hold of the true ones.

        They are held to what is expected by its precision, and so are too small by the covariance
        times that; a matrix as that of :meth:`covariance_of`.
        """
        mine = np.flatnonzero(np.equal(TERM_OF, term))
        return np.asarray(np.eye(len(mine)) - self.covariance_of(term) * self.held[mine])

    def _learn_scatter(self, left: NDArray[np.float64], floor: float) -> None:
        """Estimate how much stars differ from the fields, few being held to what is expected."""
        kept = self.is_star & (self.soft > 0.5)
        error = np.einsum("naa->na", self.seen.covariance)[kept]
        share = (STAR_SCATTER**2 / (STAR_SCATTER**2 + error)) ** 2
        share[:, 0] *= self.steady[kept]
        total = (share * (left[kept] ** 2 - error)).sum(axis=0)
        total += EXPECTED_WEIGHT * STAR_SCATTER**2
        variance = total / (share.sum(axis=0) + EXPECTED_WEIGHT)
        least = np.array([0.0, 0.0, 0.0, 0.0, floor, floor])
        self.scatter = np.sqrt(np.clip(variance, (STAR_SCATTER / 8) ** 2, (4 * STAR_SCATTER) ** 2))
        self.scatter = np.maximum(self.scatter, least)


def common_flux(excess: NDArray[np.float64], variance: NDArray[np.float64]) -> float:
    """Give the relative excess of flux that most sources share, whatever the others do.

    It is the most likely one if each source either shares it or differs from it by anything. What
    counts is how many sources agree within their errors, not how bright they are: in a sparse
    field the few brightest stars may all be variable, and new sources brighten galaxies.
    """
    if len(excess) == 0:
        return 0.0
    shared = variance + FLUX_ERROR**2
    apart = (excess - excess[:, None]) ** 2
    changed = shared + ANY_CHANGE**2
    odds = np.sqrt(changed / shared) * np.exp(-apart * (1 / shared - 1 / changed) / 2)
    best = int(np.argmax(np.log1p(odds).sum(axis=1)))
    return float(np.average(excess, weights=odds[best] / (1 + odds[best]) / shared))


def count_terms(degree: int) -> int:
    """Count the coefficients of a polynomial."""
    return len(exponents(degree))


def _design(
    x: NDArray[np.float64], y: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Give what turns all coefficients into the six terms at each place: (n, 6, k)."""
    blocks = [design_matrix(x, y, shape, degree) for degree in DEGREES]
    design = np.zeros((len(x), TERMS, sum(block.shape[1] for block in blocks)))
    start = 0
    for term, block in enumerate(blocks):
        design[:, term, start : start + block.shape[1]] = block
        start += block.shape[1]
    return design


def expected_fields(matched: FrameMatch) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the mean and the precision of all coefficients before sources are seen."""
    sizes = [
        [FREE_FLUX, *[FLUX_CHANGE] * FLUX_DEGREE],
        *[[EXPECTED_CHANGE] * (SHAPE_DEGREE + 1)] * 3,
    ]
    sizes += [[FREE_SHIFT, *EXPECTED_SHIFT, *HIGHER_SHIFT]] * 2
    spread = [
        size[i + j]
        for size, degree in zip(sizes, DEGREES, strict=True)
        for i, j in exponents(degree)
    ]
    mean = np.zeros(len(spread))
    # the whole shift is expected to be smooth, not what is added to it
    count = count_terms(SHIFT_DEGREE)
    mean[-2 * count : -count] = -raised(matched.shift_x.coefficients, matched.shift_x.degree)
    mean[-count:] = -raised(matched.shift_y.coefficients, matched.shift_y.degree)
    return mean, 1 / np.array(spread) ** 2


def raised(
    coefficients: NDArray[np.float64], degree: int, to: int = SHIFT_DEGREE
) -> NDArray[np.float64]:
    """Write the coefficients of a polynomial as those of one of a higher degree."""
    places = exponents(to)
    raised = np.zeros((len(places), *coefficients.shape[1:]))
    raised[[places.index(power) for power in exponents(degree)]] = coefficients
    return raised
