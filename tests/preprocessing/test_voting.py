import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preprocessing.astrometry.voting import BINS_PX, vote_shift


@settings(max_examples=25, deadline=None)
@given(
    dx=st.floats(-13, 13),
    dy=st.floats(-13, 13),
    seed=st.integers(0, 1000),
)
def test_the_shift_of_a_noisy_incomplete_list_is_found(dx, dy, seed):
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 800, (120, 2))
    kept = rng.random(120) < 0.6
    strangers = rng.uniform(0, 800, (60, 2))
    found = np.vstack([places[kept] + (dx, dy) + rng.normal(0, 0.1, (kept.sum(), 2)), strangers])
    got = vote_shift(places, rng.permutation(found), 20.0, 5)[0].shift
    # median of some 70 offsets of scatter 0.1, chance pairs among them
    assert np.hypot(*(got - (dx, dy))) < 0.15


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_stars_of_another_field_are_refused(seed):
    rng = np.random.default_rng(seed)
    with pytest.raises(ValueError, match="chance would"):
        vote_shift(rng.uniform(0, 1000, (50, 2)), rng.uniform(0, 1000, (50, 2)), 20.0, 5)


def test_without_any_star_there_is_no_shift():
    with pytest.raises(ValueError, match="at most 0 of 0"):
        vote_shift(np.zeros((0, 2)), np.zeros((0, 2)), 20.0, 5)


def test_coarse_cells_find_a_shift_that_distortion_spreads():
    rng = np.random.default_rng(6)
    places = rng.uniform(0, 2000, (25, 2))
    bent = places + (12.0, -9.0) + 1.5e-6 * (places - 1000) ** 2 * (1, -1)
    ballot = vote_shift(places, rng.permutation(bent), 60.0, 5)[0]
    # the bend shifts a star by 0 to 1.5 px an axis: 0.5 in the mean
    assert np.hypot(*(ballot.shift - (12.5, -9.5))) < 0.5
    spread = places + (12.0, -9.0) + 1.5e-5 * (places - 1000) ** 2 * (1, -1)
    coarse = vote_shift(places, rng.permutation(spread), 60.0, 5)[0]
    assert coarse.reach > 1.5 * BINS_PX[0]
    assert np.hypot(*(coarse.shift - (12.0, -9.0))) < 8


def test_odds_say_how_often_chance_does_as_well():
    rng = np.random.default_rng(7)
    places = rng.uniform(0, 1000, (60, 2))
    ballot = vote_shift(places, places + 3.0, 20.0, 5)[0]
    # 60 stars, each of which meets a stranger in 9 px2 with a chance of 60 * 9 / 1e6
    assert ballot.won == 60
    assert ballot.expected < 2 * 60 * 60 * 9 / 1e6 + 60 * 9 / (np.pi * 400)
    assert ballot.odds < 1e-30
