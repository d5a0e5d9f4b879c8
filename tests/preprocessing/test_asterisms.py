import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preprocessing.astrometry.asterisms import recognise
from preprocessing.astrometry.similarity import Similarity
from preprocessing.astrometry.triangles import all_triangles, even_subset, local_triangles

SIDE = 1500.0
CENTROID_PX = 0.15

similarities = st.builds(
    Similarity,
    st.builds(
        lambda scale, angle: complex(scale * np.exp(1j * angle)),
        st.floats(0.3, 3.0),
        st.floats(-np.pi, np.pi),
    ),
    st.complex_numbers(max_magnitude=2000.0, allow_nan=False),
    st.booleans(),
)


def field(count, rng):
    """Stars at random places, as bright as stars are: many faint ones."""
    return rng.uniform(0, SIDE, (count, 2)), rng.pareto(0.7, count) + 1


def seen(places, flux, rng, *, lost, alien):
    """What a frame shows: not every star, not at its exact flux and place, and others."""
    kept = rng.random(len(places)) >= lost
    kept[:2] = True
    shown = places[kept] + rng.normal(0, CENTROID_PX, (kept.sum(), 2))
    others = rng.uniform(places.min(axis=0), places.max(axis=0), (int(alien * len(places)), 2))
    bright = np.concatenate(
        [flux[kept] * np.exp(rng.normal(0, 0.15, kept.sum())), rng.pareto(0.7, len(others)) + 1]
    )
    return np.concatenate([shown, others])[np.argsort(-bright)]


def farthest_miss(found, true):
    """The largest distance between two maps over the frame, in pixels of the coarser."""
    corners = np.array([[0, 0], [SIDE, 0], [0, SIDE], [SIDE, SIDE]])
    apart = np.hypot(*(found(corners) - true(corners)).T).max()
    return apart / max(1.0, true.scale)


@settings(max_examples=60, deadline=None)
@given(true=similarities, count=st.integers(40, 1500), seed=st.integers(0, 2**32 - 1))
def test_any_turn_scale_shift_and_mirror_is_found_despite_lost_and_alien_stars(true, count, seed):
    rng = np.random.default_rng(seed)
    places, flux = field(count, rng)
    here = seen(places, flux, rng, lost=0.25, alien=0.3)
    there = seen(true(places), flux, rng, lost=0.25, alien=0.3)
    same = recognise(here, there)
    assert same.similarity.is_mirrored == true.is_mirrored
    # 20 stars and more at 0.15 px in both: 0.1 px in the middle, twice that in a corner; the
    # finer frame's centroids count for more where the scales differ
    assert farthest_miss(same.similarity, true) < 1.5


@settings(max_examples=60, deadline=None)
@given(true=similarities, count=st.integers(7, 12), seed=st.integers(0, 2**32 - 1))
def test_a_handful_of_stars_is_enough(true, count, seed):
    rng = np.random.default_rng(seed)
    places, flux = field(count, rng)
    here = seen(places, flux, rng, lost=0.0, alien=0.0)
    there = seen(true(places), flux, rng, lost=0.0, alien=0.3)
    same = recognise(here, there)
    assert same.similarity.is_mirrored == true.is_mirrored
    # as above, with 5 stars and more that may all stand on one side
    assert farthest_miss(same.similarity, true) < 5
    assert same.first.size >= 5
    assert same.expected < 0.1


@settings(max_examples=15, deadline=None)
@given(count=st.integers(5, 600), seed=st.integers(0, 2**32 - 1))
def test_other_fields_are_never_recognised(count, seed):
    rng = np.random.default_rng(seed)
    # once in 10,000 searches is allowed: 15 of them show it with a chance of 0.15 %
    with pytest.raises(ValueError, match="star patterns do not match"):
        recognise(rng.uniform(0, SIDE, (count, 2)), rng.uniform(0, SIDE, (count, 2)))


def test_frames_that_share_a_quarter_of_their_stars_are_recognised():
    rng = np.random.default_rng(8)
    places, flux = field(2000, rng)
    order = np.argsort(-flux)
    left, right = (
        places[order][np.abs(places[order, 0] - middle) < SIDE / 4]
        for middle in (SIDE / 4, 5 * SIDE / 8)
    )
    same = recognise(left, right + np.array([40.0, -700.0]))
    assert same.similarity(np.array([(100.0, 100.0)]))[0] == pytest.approx(
        (140.0, -600.0), abs=1e-6
    )


def test_a_cluster_does_not_hide_the_field():
    rng = np.random.default_rng(5)
    cluster = rng.normal(300.0, 15.0, (500, 2))
    places = np.concatenate([cluster, rng.uniform(0, SIDE, (100, 2))])
    chosen = places[even_subset(places, 60)]
    assert (np.hypot(*(chosen - 300.0).T) > 60).mean() > 0.7


def test_an_even_subset_takes_the_brightest_of_every_cell_first():
    grid = np.stack(np.meshgrid(np.arange(4.0), np.arange(4.0)), -1).reshape(-1, 2)
    bright, faint = grid + 0.05, grid + 0.1
    chosen = even_subset(np.concatenate([bright, faint]), 48)
    assert len(chosen) == 32
    assert sorted(even_subset(np.concatenate([bright, faint]), 16)) == list(range(16))


def test_triangles_keep_their_ratios_when_turned_scaled_and_mirrored():
    places = np.random.default_rng(2).uniform(0, SIDE, (12, 2))
    turned = Similarity(0.6 - 1.1j, 40 - 7j, True)(places)
    here, there = all_triangles(places, 12), all_triangles(turned, 12)
    assert here.ratios.shape == (len(there.ratios), 2)
    assert np.allclose(np.sort(here.ratios, axis=0), np.sort(there.ratios, axis=0))


def test_local_triangles_are_small_and_counted_once():
    places = np.random.default_rng(3).uniform(0, SIDE, (300, 2))
    triangles = local_triangles(places)
    longest = np.abs(triangles.corners[:, 1] - triangles.corners[:, 2])
    # 300 stars stand 87 px apart; the sixth neighbour is about 120 px away
    assert np.median(longest) < 250
    assert len(np.unique(triangles.corners, axis=0)) == len(triangles.corners)


def test_lists_that_are_too_short_are_refused():
    with pytest.raises(ValueError, match=r"4 and 9 stars, 5 are needed to recognise"):
        recognise(np.ones((4, 2)), np.ones((9, 2)))


def test_a_similarity_says_what_it_does():
    similarity = Similarity(2j, 1 + 1j, False)
    assert similarity.scale == pytest.approx(2.0)
    assert similarity.rotation_deg == pytest.approx(90.0)
    assert similarity(np.array([[1.0, 0.0]])) == pytest.approx(np.array([[1.0, 3.0]]))
