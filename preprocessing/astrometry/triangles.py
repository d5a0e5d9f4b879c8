"""Triangles of bright stars, and what does not change when a frame is turned, scaled, mirrored."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from preprocessing.astrometry.similarity import Complexes, Floats, complex_of
from preprocessing.masks import Bools

Indices = NDArray[np.intp]

# The brightest of every cell take part first.
STARS_PER_CELL = 3
# Thinner or more isosceles triangles do not tell which corner is which.
THINNEST = 0.1
LEAST_DIFFERENCE = 0.01
# Where frames overlap little, only small triangles are whole in both: stars, and their neighbours.
LOCAL_FORMING, NEIGHBOURS = 400, 6


@dataclass(frozen=True, eq=False)
class Triangles:
    """Triangles of stars: corners (n, 3) as x + iy, ordered by the side opposite, longest first.

    ``ratios`` (n, 2) are the middle and the shortest side over the longest, the same whatever
    shift, turn, scale or mirror.
    """

    corners: Complexes
    ratios: Floats


def even_subset(places: Floats, count: int) -> Indices:
    """Give the indices of ``count`` bright points spread evenly over the frame.

    The brightest of every cell come first, then the second brightest: a cluster or a nebula
    does not take all places. ``places`` are sorted, brightest first.
    """
    if len(places) <= count:
        return np.arange(len(places))
    side = max(1, int(np.sqrt(count / STARS_PER_CELL)))
    low, high = places.min(axis=0), places.max(axis=0)
    cell = np.minimum((places - low) / np.maximum(high - low, 1e-9) * side, side - 1).astype(int)
    label = cell[:, 0] * side + cell[:, 1]
    order = np.argsort(label, kind="stable")
    first_of_cell = np.searchsorted(label[order], label[order])
    rank = np.empty(len(places), np.intp)
    rank[order] = np.arange(len(places)) - first_of_cell
    return np.argsort(rank, kind="stable")[:count]


def all_triangles(places: Floats, count: int) -> Triangles:
    """Give all triangles of ``count`` bright stars."""
    chosen = places[even_subset(places, count)]
    return described(chosen, np.array(list(combinations(range(len(chosen)), 3)), np.intp))


def local_triangles(places: Floats) -> Triangles:
    """Give the triangles that each of many bright stars forms with its neighbours."""
    chosen = places[even_subset(places, LOCAL_FORMING)]
    near = np.asarray(cKDTree(chosen).query(chosen, min(NEIGHBOURS + 1, len(chosen)))[1])
    choices = np.array(list(combinations(range(near.shape[1]), 3)), np.intp)
    corners = np.sort(near[:, choices[choices[:, 0] == 0]].reshape(-1, 3), axis=1)
    return described(chosen, np.unique(corners, axis=0))


def described(places: Floats, corners: Indices) -> Triangles:
    """Order the corners of triangles, and leave out those whose corners are not told apart."""
    points = complex_of(places)[corners]
    opposite = np.abs(np.roll(points, -1, axis=1) - np.roll(points, -2, axis=1))
    order = np.argsort(-opposite, axis=1)
    points = np.take_along_axis(points, order, 1)
    sides = np.take_along_axis(opposite, order, 1)
    ratios = sides[:, 1:] / np.maximum(sides[:, :1], 1e-9)
    distinct = (1 - ratios[:, 0] > LEAST_DIFFERENCE) & (
        ratios[:, 0] - ratios[:, 1] > LEAST_DIFFERENCE
    )
    kept = distinct & (ratios[:, 1] > THINNEST)
    return Triangles(points[kept], ratios[kept])


def is_left(corners: Complexes) -> Bools:
    """Say which triangles run round counter-clockwise."""
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.asarray((first.conj() * second).imag > 0)
