"""The population-stability index against hand calculation and against chance."""

import numpy as np
import pytest

from detection.drift import BINS, CHANCE, shift_of


def test_equal_histograms_have_not_moved():
    counts = np.arange(1, BINS + 1) * 10
    assert shift_of(counts, counts).psi == pytest.approx(0, abs=1e-12)


def test_the_index_is_what_the_formula_says():
    # (0.2 - 0.5) ln(0.2 / 0.5) + (0.8 - 0.5) ln(0.8 / 0.5) = 0.4159; half a count in a million
    found = shift_of([500_000, 500_000], [200_000, 800_000])
    assert found.psi == pytest.approx(0.41589, abs=1e-4)


def test_chance_alone_exceeds_its_limit_as_often_as_it_says():
    rng = np.random.default_rng(2)
    shares = np.full(BINS, 1 / BINS)
    above = 0
    for _ in range(1000):
        found = shift_of(rng.multinomial(2000, shares), rng.multinomial(500, shares))
        above += found.psi > found.by_chance
    # binomial with p = 0.01: 10 +- 3.1; the chi-squared is an approximation, hence 5 of them
    assert above <= 1000 * CHANCE + 16


def test_a_few_candidates_raise_no_alarm_by_chance_and_a_true_change_does():
    rng = np.random.default_rng(4)
    reference = rng.multinomial(3000, np.full(BINS, 1 / BINS))
    few = shift_of(reference, rng.multinomial(30, np.full(BINS, 1 / BINS)))
    assert few.psi > 0.25  # thirty scores in twenty bins: what the rule of thumb alarms at
    assert few.level(0.1, 0.25) == "steady"
    moved = np.linspace(0.2, 1.8, BINS)
    assert shift_of(reference, rng.multinomial(3000, moved / moved.sum())).level(0.1, 0.2) != (
        "steady"
    )


@pytest.mark.parametrize("week", [[1, 2, 3], [0, 0], [-1, 4]])
def test_what_cannot_be_compared_is_refused(week):
    with pytest.raises(ValueError, match="histograms"):
        shift_of([5, 5], week)
