"""Figures of agreement against closed forms, published examples and simulated people."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.agreement import Votes, cohen_kappa, dawid_skene, krippendorff_alpha, wilson


def votes_of(table):
    """Turn rows of a table (people x items; None for no vote) into votes."""
    said = [
        (item, person, value)
        for person, row in enumerate(table)
        for item, value in enumerate(row)
        if value is not None
    ]
    item, person, value = zip(*said, strict=True)
    return Votes(np.array(item), np.array(person), np.array(value, bool))


def simulated(seed, *, items=3000, sensitivity=(0.95, 0.8, 0.7), specificity=(0.98, 0.9, 0.6)):
    """Let people with known reliability judge items of which a third is real."""
    random = np.random.default_rng(seed)
    truth = random.random(items) < 1 / 3
    item = np.tile(np.arange(items), len(sensitivity))
    person = np.repeat(np.arange(len(sensitivity)), items)
    chance = np.where(truth[item], np.array(sensitivity)[person], 1 - np.array(specificity)[person])
    return truth, Votes(item, person, random.random(item.size) < chance)


def test_people_are_found_as_reliable_as_they_are():
    truth, votes = simulated(1)
    found = dawid_skene(votes)
    # 3 standard errors of a share of 1,000 real and 2,000 bogus items, and as much again for the
    # truth that is not known: 6 * sqrt(0.25 / 1000) = 0.095 at most
    np.testing.assert_allclose(found.sensitivity, [0.95, 0.8, 0.7], atol=0.06)
    np.testing.assert_allclose(found.specificity, [0.98, 0.9, 0.6], atol=0.06)
    assert found.prevalence == pytest.approx(1 / 3, abs=0.04)
    assert truth.mean() == pytest.approx(1 / 3, abs=0.03)


def test_the_posterior_is_right_as_often_as_it_says():
    truth, votes = simulated(2, items=20_000)
    probability = dawid_skene(votes).probability
    for low, high in ((0.0, 0.1), (0.1, 0.5), (0.5, 0.9), (0.9, 1.0)):
        chosen = (probability >= low) & (probability <= high)
        if chosen.sum() < 200:
            continue
        # 4 standard errors of a share, and 0.03 for reliabilities that are themselves estimated
        margin = 4 * np.sqrt(0.25 / chosen.sum()) + 0.03
        assert truth[chosen].mean() == pytest.approx(probability[chosen].mean(), abs=margin)


def test_it_beats_the_majority_where_people_differ():
    truth, votes = simulated(
        3, sensitivity=(0.97, 0.55, 0.55, 0.55, 0.55), specificity=(0.97, 0.6, 0.6, 0.6, 0.6)
    )
    number = len(truth)
    majority = np.bincount(votes.item, votes.is_real, number) * 2 > np.bincount(votes.item)
    weighed = dawid_skene(votes).probability > 0.5
    assert np.mean(weighed == truth) > np.mean(majority == truth) + 0.05


def test_the_order_of_votes_changes_nothing():
    _, votes = simulated(4, items=200)
    shuffled = np.random.default_rng(5).permutation(len(votes.item))
    again = Votes(votes.item[shuffled], votes.person[shuffled], votes.is_real[shuffled])
    np.testing.assert_allclose(
        dawid_skene(again).probability, dawid_skene(votes).probability, atol=1e-9
    )


def test_one_vote_alone_is_no_certainty():
    found = dawid_skene(votes_of([[True]]))
    assert 0.5 < found.probability[0] < 0.95


def test_no_votes_are_refused():
    nothing = np.zeros(0, int)
    with pytest.raises(ValueError, match="no vote"):
        dawid_skene(Votes(nothing, nothing, nothing.astype(bool)))


def test_arrays_of_two_lengths_are_refused():
    with pytest.raises(ValueError, match=r"lengths \[1, 2\]"):
        Votes(np.zeros(2, int), np.zeros(1, int), np.zeros(2, bool))


def test_kappa_of_a_table_by_hand():
    # 20 both real, 15 both bogus, 5 and 10 apart: agreement 0.7, chance 0.5 (Cohen's formula)
    first = np.array([True] * 25 + [False] * 25)
    second = np.array([True] * 20 + [False] * 5 + [True] * 10 + [False] * 15)
    assert cohen_kappa(first, second) == pytest.approx(0.4)


def test_kappa_of_the_same_verdicts_is_one_and_of_one_word_unknown():
    said = np.array([True, False, True])
    assert cohen_kappa(said, said) == 1.0
    assert np.isnan(cohen_kappa(np.ones(3, bool), np.ones(3, bool)))
    with pytest.raises(ValueError, match="0 and 0"):
        cohen_kappa(said[:0], said[:0])


def test_alpha_of_the_published_example_of_two_observers():
    # Krippendorff 2011, section A: 10 items, two observers, binary data; alpha = 0.095
    meg = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    owen = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert krippendorff_alpha(votes_of([meg, owen])) == pytest.approx(0.095, abs=5e-4)


def test_alpha_leaves_out_what_one_person_judged_alone():
    full = [[1, 0, 1, 0], [1, 0, 0, 0]]
    with_alone = [[1, 0, 1, 0, 1, None], [1, 0, 0, 0, None, 0]]
    assert krippendorff_alpha(votes_of(with_alone)) == pytest.approx(
        krippendorff_alpha(votes_of(full))
    )
    assert np.isnan(krippendorff_alpha(votes_of([[1, 0, 1]])))


def test_alpha_is_one_where_all_agree():
    assert krippendorff_alpha(votes_of([[1, 0, 1], [1, 0, 1], [1, 0, None]])) == 1.0


def test_wilson_of_the_published_example():
    # Newcombe 1998, Statistics in Medicine 17, 857, table I: 81 of 263, method 3
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share(counts):
    right, number = counts
    low, high = wilson(right, number)
    assert 0 <= low <= right / number <= high <= 1
