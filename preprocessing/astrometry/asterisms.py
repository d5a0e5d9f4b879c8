"""Recognise the same star field in two lists of positions that share no coordinates at all."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.spatial import cKDTree
from scipy.stats import poisson

from preprocessing.astrometry.matching import match_nearest
from preprocessing.astrometry.similarity import (
    Complexes,
    Floats,
    Similarity,
    complex_of,
    fit_similarity,
)
from preprocessing.astrometry.triangles import (
    Indices,
    Triangles,
    all_triangles,
    even_subset,
    is_left,
    local_triangles,
)
from preprocessing.masks import Bools

# Stars that form triangles, tried in turn: few suffice mostly, and triangles grow with the cube.
FORMING = (24, 48)
# Side ratios of the same triangle agree this well: centroids, distortion, refraction.
RATIO_TOLERANCE = 0.006
# Votes are one when they lay the whole frame within so many radii.
VOTE_RADII = 5.0
# Makes one number of a cell's five: two cells of one number are far apart, and rare.
CELL_HASH = np.array([73856093, 19349663, 83492791, 49979687, 1])
# Parts mirrored votes from others.
MIRRORED = 1e9
# Stars that check a hypothesis.
CHECKING = 300
MOST_HYPOTHESES = 12
FITTING_ROUNDS = 4
# A field is recognised where there is none once in so many searches.
CHANCE = 1e-4

NOTHING = Similarity(1 + 0j, 0j, False)
NO_STARS = np.zeros(0, np.intp)


@dataclass(frozen=True, eq=False)
class Recognition:
    """A field found again: the map, the pairs of stars that follow it, and what chance gives.

    ``first`` and ``second`` index the two lists; ``expected`` is the number of pairs that lists
    as dense as these would show by chance.
    """

    similarity: Similarity
    first: Indices
    second: Indices
    expected: float

    @property
    def excess(self) -> float:
        """Pairs beyond chance."""
        return self.first.size - self.expected


@dataclass(frozen=True, eq=False)
class Votes:
    """Similarities that pairs of triangles speak for, one per element."""

    turn: Complexes
    shift: Complexes
    is_mirrored: Bools

    def places(self, known: Floats) -> Floats:
        """Give where each lays two points of the frame, in pixels of the coarser one, (n, 5).

        Votes that agree on both agree on the whole frame; the last column parts the mirrored.
        """
        middle, reach = known.mean(axis=0), float(np.hypot(*known.std(axis=0)))
        ends = middle + np.array([[0.0, 0.0], [reach, 0.0]])
        mapped = [
            self.turn * np.where(self.is_mirrored, complex_of(end, True), complex_of(end))
            + self.shift
            for end in ends
        ]
        columns = np.column_stack([mapped[0].real, mapped[0].imag, mapped[1].real, mapped[1].imag])
        columns /= np.maximum(1, np.abs(self.turn))[:, None]
        return np.column_stack([columns, np.where(self.is_mirrored, MIRRORED, 0.0)])

    def mean(self, which: Indices) -> Similarity:
        """Give the mean of agreeing votes."""
        turn, shift = self.turn[which].mean(), self.shift[which].mean()
        return Similarity(complex(turn), complex(shift), bool(self.is_mirrored[which[0]]))


def recognise(
    known: Floats,
    found: Floats,
    *,
    radius: float = 3.0,
    least: int = 5,
    scales: tuple[float, float] = (0.1, 10.0),
) -> Recognition:
    """Find the similarity that lays one list of stars on another.

    Triangles of bright stars, evenly spread over each frame, that have the same shape vote for the
    shift, turn, scale and mirror that brings one onto the other; what most agree on is checked
    with all bright stars, and refused when chance would do as well.

    Parameters
    ----------
    known, found : (n, 2), (m, 2) arrays
        Pixels x, y, brightest first.
    radius : float
        Stars nearer than this, in pixels of the coarser frame, are taken for the same.
    least : int
        Pairs that must agree.
    scales : (float, float)
        Smallest and largest pixels of ``found`` per pixel of ``known``.

    Raises
    ------
    ValueError
        If the lists are too short, or no map brings more stars together than chance would.

    References
    ----------
    Groth 1986, AJ 91, 1244; Valdes et al. 1995, PASP 107, 1119 (triangles in the space of side
    ratios); Lang et al. 2010, AJ 139, 1782, section 2.3 (accept or refuse by odds).
    """
    if min(len(known), len(found)) < max(least, 3):
        raise ValueError(
            f"{len(known)} and {len(found)} stars, {max(least, 3)} are needed to recognise a "
            "field: lower star_threshold or use a deeper frame"
        )
    best, tried = Recognition(NOTHING, NO_STARS, NO_STARS, 0.0), 0
    for form in STRATEGIES:
        votes = vote(form(known), form(found), radius, scales)
        tried += votes.turn.size
        for similarity in most_supported(votes, known, radius):
            trial = checked(similarity, known, found, radius)
            best = trial if trial.excess > best.excess else best
        if is_beyond_chance(best, tried, least):
            return best
    raise ValueError(
        f"star patterns do not match: at most {best.first.size} of {len(known)} reference and "
        f"{len(found)} science stars fall together ({best.expected:.1f} by chance in each of "
        f"{tried} trials, {least} needed): the frames show different fields, or have too few stars "
        "in common"
    )


STRATEGIES: tuple[Callable[[Floats], Triangles], ...] = (
    *(partial(all_triangles, count=count) for count in FORMING),
    local_triangles,
)


def vote(known: Triangles, found: Triangles, radius: float, scales: tuple[float, float]) -> Votes:
    """Give the similarity of each pair of triangles of one shape, if their corners fall together.

    Each is the least-squares similarity of its three corners; mirrored when these run round in
    the opposite sense.
    """
    near = cKDTree(known.ratios).sparse_distance_matrix(
        cKDTree(found.ratios), RATIO_TOLERANCE, output_type="ndarray"
    )
    here, there = known.corners[near["i"]], found.corners[near["j"]]
    mirrored = is_left(here) != is_left(there)
    here = np.where(mirrored[:, None], here.conj(), here)
    middle, target = here.mean(axis=1, keepdims=True), there.mean(axis=1, keepdims=True)
    arms = here - middle
    turn = (arms.conj() * (there - target)).sum(axis=1) / (np.abs(arms) ** 2).sum(axis=1)
    left = np.abs(there - target - turn[:, None] * arms).max(axis=1)
    shift = target[:, 0] - turn * middle[:, 0]
    scale = np.abs(turn)
    good = (left < radius * np.maximum(1, scale)) & (scale > scales[0]) & (scale < scales[1])
    return Votes(turn[good], shift[good], mirrored[good])


def most_supported(votes: Votes, known: Floats, radius: float) -> list[Similarity]:
    """Give the similarities that most votes agree on, within a few radii over the whole frame."""
    if votes.turn.size == 0:
        return []
    where, reach = votes.places(known), VOTE_RADII * radius
    tree = cKDTree(where)
    agreeing = [
        np.asarray(tree.query_ball_point(centre, reach)) for centre in crowded(where, 2 * reach)
    ]
    agreeing.sort(key=len, reverse=True)
    best: list[Similarity] = []
    taken = np.zeros(len(where), bool)
    for which in agreeing:
        if len(best) < MOST_HYPOTHESES and which.size and not taken[which].any():
            taken[which] = True
            best.append(votes.mean(which))
    return best


def crowded(places: Floats, side: float) -> Floats:
    """Give the mean place in each of the fullest cells of two grids, half a cell apart."""
    found = []
    for start in (0.0, 0.5):
        cells = np.floor(places / side + start).astype(np.int64) @ CELL_HASH
        _, index, counts = np.unique(cells, return_inverse=True, return_counts=True)
        fullest = np.argsort(-counts, kind="stable")[: 2 * MOST_HYPOTHESES]
        found += [places[index == cell].mean(axis=0) for cell in fullest]
    return np.array(found)


def checked(similarity: Similarity, known: Floats, found: Floats, radius: float) -> Recognition:
    """Refit a similarity to all bright stars that follow it, and count them."""
    mine, theirs = even_subset(known, CHECKING), even_subset(found, CHECKING)
    first = second = NO_STARS
    for reach in (2 * radius, *(radius,) * FITTING_ROUNDS):
        limit = reach * max(1.0, similarity.scale)
        first, second = match_nearest(similarity(known[mine]), found[theirs], limit)
        if first.size < 2:
            break
        similarity = fit_similarity(
            known[mine][first], found[theirs][second], is_mirrored=similarity.is_mirrored
        )
    expected = by_chance(similarity(known[mine]), found[theirs], radius * max(1, similarity.scale))
    return Recognition(similarity, mine[first], theirs[second], expected)


def by_chance(mapped: Floats, found: Floats, radius: float) -> float:
    """Give how many of the mapped stars would meet another if they had no common origin."""
    low, high = found.min(axis=0) - radius, found.max(axis=0) + radius
    inside = ((mapped > low) & (mapped < high)).all(axis=1).sum()
    density = len(found) / float(np.prod(high - low))
    return float(inside * -np.expm1(-density * np.pi * radius**2))


def is_beyond_chance(trial: Recognition, tried: int, least: int) -> bool:
    """Say whether as many pairs are unlikely in ``tried`` searches; two pairs fix the map."""
    count = trial.first.size
    return bool(count >= least and tried * poisson.sf(count - 3, trial.expected) < CHANCE)
