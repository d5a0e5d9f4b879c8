"""Find the shift between two lists of stars that share their coordinates but for an error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree
from scipy.stats import poisson

Floats = NDArray[np.float64]

# Voting needs bright stars only: pairs grow with the square.
VOTERS = 300
# Votes are counted in cells of three bins: fine ones for dense fields, coarse ones where a turn, a
# scale or a distortion spreads them, as far as the search radius lets them.
BINS_PX = (1.0, 3.0, 9.0)
BINS_PER_RADIUS = 4
# A field is recognised where there is none once in so many searches.
CHANCE = 1e-4


@dataclass(frozen=True, eq=False)
class Ballot:
    """The cell of shifts that won most votes, at one size of the cells.

    ``odds`` is how often chance would give any cell as many, ``expected`` how many it gives one.
    """

    shift: Floats
    reach: float
    won: int
    expected: float
    odds: float


def vote_shift(expected: Floats, found: Floats, radius: float, least: int) -> list[Ballot]:
    """Give the shifts, px, that bring most points of ``expected`` onto points of ``found``.

    One for each size of the cells in which votes are counted, if it is beyond chance; the one
    that chance would hardly give comes first.

    Parameters
    ----------
    expected, found : (n, 2), (m, 2) arrays
        Pixels, brightest first.
    radius : float
        Largest shift to look for, px.
    least : int
        Votes that the shift must win.

    Raises
    ------
    ValueError
        If no shift wins more votes than chance would give.
    """
    expected, found = expected[:VOTERS], found[:VOTERS]
    pairs = cKDTree(expected).query_ball_tree(cKDTree(found), radius)
    shifts = [found[near] - expected[i] for i, near in enumerate(pairs) if near]
    offsets = np.concatenate(shifts) if shifts else np.zeros((0, 2))
    ballots = [
        count(offsets, radius, bin_px)
        for bin_px in BINS_PX
        if bin_px == BINS_PX[0] or bin_px * BINS_PER_RADIUS <= radius
    ]
    ballots.sort(key=lambda ballot: ballot.odds)
    won = [ballot for ballot in ballots if ballot.won >= least and ballot.odds <= CHANCE]
    if not won:
        best = ballots[0]
        raise ValueError(
            f"at most {best.won} of {len(expected)} reference and {len(found)} science stars fall "
            f"together within {radius:g} px, which chance would do with odds of "
            f"{min(best.odds, 1.0):.1g} ({least} stars and odds below {CHANCE:g} are needed): the "
            "WCS points to another field or is off by more; solve the frame again"
        )
    return won


def count(offsets: Floats, radius: float, bin_px: float) -> Ballot:
    """Count votes in overlapping cells of 3x3 bins, and give the fullest."""
    edges = np.arange(-radius - bin_px, radius + 2 * bin_px, bin_px)
    votes, _, _ = np.histogram2d(offsets[:, 0], offsets[:, 1], bins=[edges, edges])
    votes = ndimage.uniform_filter(votes, 3, mode="constant") * 9
    peak = np.array(np.unravel_index(int(np.argmax(votes)), votes.shape))
    centre, reach = edges[peak] + bin_px / 2, 1.5 * bin_px
    near = np.abs(offsets - centre).max(axis=1) <= reach
    cells = np.pi * radius**2 / (2 * reach) ** 2
    expected = len(offsets) / cells
    won = int(near.sum())
    shift = np.median(offsets[near], axis=0) if won else np.zeros(2)
    return Ballot(shift, reach, won, expected, cells * float(poisson.sf(won - 1, expected)))
