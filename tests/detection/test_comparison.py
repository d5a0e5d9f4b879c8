"""Paired differences against closed forms."""

import numpy as np
import pytest
from scipy.stats import norm

from detection.comparison import Pair, compare, shortcomings
from detection.metrics import auc
from detection.parameters import PromotionMargins


def pair(shift, n=600, seed=5):
    """Scores whose AUC is known: normals one (old) and 1 + shift (new) sigma apart."""
    rng = np.random.default_rng(seed)
    is_real = np.arange(n) % 2 == 0
    noise = rng.normal(0, 1, n)
    squash = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
    old, new = squash(noise + is_real), squash(noise + (1 + shift) * is_real)
    return Pair(old, new, is_real, np.arange(n) // 3)


def true_difference(shift):
    return norm.cdf((1 + shift) / np.sqrt(2)) - norm.cdf(1 / np.sqrt(2))


def test_a_better_network_is_better_by_what_the_normals_say():
    found = compare(pair(1.0))["auc"]
    expected = true_difference(1.0)
    # standard error of an AUC of 0.76 with 300 of each: 0.019; the pairing only helps
    assert found["difference"]["value"] == pytest.approx(expected, abs=3 * 0.019)
    assert found["difference"]["low"] > 0


def test_pairing_makes_the_difference_surer_than_the_figures():
    found = compare(pair(0.1))["auc"]
    width = {name: one["high"] - one["low"] for name, one in found.items()}
    assert width["difference"] < 0.5 * width["champion"]


def test_the_interval_holds_the_truth_as_often_as_it_says():
    held = 0
    for seed in range(25):
        drawn = pair(0.5, n=200, seed=seed)
        one = compare(drawn, seed=seed)["auc"]["difference"]
        held += one["low"] <= true_difference(0.5) <= one["high"]
    # 95 % of 25 is 23.75; 4 standard deviations (1.1 each) below that is 19
    assert held >= 19


def test_objects_are_drawn_whole():
    base = pair(0.3, n=200)
    copies = [np.repeat(each, 5) for each in (base.old, base.new, base.is_real)]
    alone = compare(Pair(*copies))["auc"]["difference"]
    together = compare(Pair(*copies, np.repeat(np.arange(200), 5)))["auc"]["difference"]
    # five copies of everything know no more: the honest interval is sqrt(5) = 2.2 times wider
    ratio = (together["high"] - together["low"]) / (alone["high"] - alone["low"])
    assert 1.7 < ratio < 2.8


def test_what_falls_short_is_named():
    worse = pair(-0.5)
    words = shortcomings(compare(worse), worse.is_real, PromotionMargins(largest_ece=1.0))
    assert any("AUC may be lower" in each for each in words)
    better = pair(0.5)
    assert not shortcomings(compare(better), better.is_real, PromotionMargins(largest_ece=1.0))
    few = PromotionMargins(largest_ece=1.0, least_of_a_kind=301)
    assert "300 real and 300 bogus" in shortcomings(compare(better), better.is_real, few)[0]
    strict = PromotionMargins(largest_ece=0.001)
    assert "calibration error" in shortcomings(compare(better), better.is_real, strict)[-1]


def test_scores_that_are_no_numbers_are_refused():
    bad = pair(0)
    bad.new[3] = np.nan
    with pytest.raises(ValueError, match="1 scores are not finite"):
        compare(bad)
    assert auc(bad.old, bad.is_real) > 0.5
