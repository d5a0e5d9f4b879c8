"""How the cut of candidates by the networks is counted."""

import numpy as np
import pytest

from benchmarks.networks import (
    LOSS,
    Judged,
    Result,
    counted,
    crossed_thresholds,
    figures,
    together,
    usable,
)
from detection.scenes import Candidates, Scene

PAIRS, PER_PAIR = 40, 100


def drawn(seed=1, *, shift=3.0):
    """Half real, half false candidates whose log odds are two Gaussians this far apart."""
    rng = np.random.default_rng(seed)
    is_real = rng.random(PAIRS * PER_PAIR) < 0.5
    odds = rng.normal(0, 1, is_real.size) + shift * is_real
    pair = np.repeat(np.arange(PAIRS), PER_PAIR)
    return Judged(1 / (1 + np.exp(-odds)), is_real, ~is_real, pair)


def result(judged):
    return Result(judged, PAIRS, 10_000_000, 2500, 5.0)


def test_the_threshold_that_loses_one_per_cent_is_chosen_on_other_pairs():
    judged = drawn()
    half = judged.pair % 2
    for which in (0, 1):
        (used,) = set(crossed_thresholds(judged)[half == which])
        others = judged.confidence[judged.is_real & (half != which)]
        assert (others < used).mean() == pytest.approx(LOSS, abs=1 / others.size)


def test_what_is_lost_and_left_is_that_of_two_gaussians():
    found = figures(result(drawn()), threshold=0.5)
    # beyond 0 sigma of the false ones, below -3 of the real ones
    here = found["at_the_threshold_of_the_card"]
    assert here["factor"] == pytest.approx(2, abs=0.12)
    assert here["lost_share"] == pytest.approx(0.00135, abs=0.0025)
    assert here["lost_interval"][0] <= here["lost_share"] <= here["lost_interval"][1]
    # 1 % of the real ones lie 2.33 below 3, 25.2 % of the false ones beyond 0.67
    cut = found["at_one_per_cent_loss"]
    assert cut["factor"] == pytest.approx(1 / 0.2516, abs=0.5)
    assert cut["factor_interval"][0] < 1 / 0.2516 < cut["factor_interval"][1]
    assert cut["lost_share"] == pytest.approx(LOSS, abs=0.009)  # 4 binomial sigma
    assert found["false_per_mpix"] == pytest.approx(200, abs=13)


def test_pairs_of_several_fields_stay_apart():
    whole = together([result(drawn()), result(drawn(2))])
    assert (whole.pairs, whole.injected, whole.pixels) == (2 * PAIRS, 5000, 20_000_000)
    assert np.unique(whole.judged.pair).tolist() == list(range(2 * PAIRS))


def test_too_few_pairs_give_no_threshold():
    judged = drawn()
    first = judged.pair == 0
    one = Judged(*(column[first] for column in vars(judged).values()))
    with pytest.raises(ValueError, match="too few pairs"):
        crossed_thresholds(one)


def candidates(x, source):
    n = len(x)
    return Candidates(np.array(x), np.full(n, 50.0), np.full(n, 8.0), np.zeros(n, bool),
                      np.array(source))  # fmt: skip


def test_a_source_on_an_artifact_is_neither_found_nor_lost_and_the_artifact_is_still_false():
    # x, y, S/N, is masked: alone, on an artifact, too faint, masked
    sources = np.array([[20, 50, 9, 0], [40, 50, 9, 0], [60, 50, 4, 0], [80, 50, 9, 1]], float)
    found = candidates([20.5, 40.5, 60.5, 99.0], [0, 1, 2, -1])
    blank = np.zeros((100, 100), np.float32)
    scene = Scene(1, np.zeros((100, 100, 4), np.float32), blank, blank, found, sources,
                  np.full(4, "transient"), 3.0)  # fmt: skip
    before = candidates([38.0, 99.0], [-1, -1])
    assert usable(scene, before).tolist() == [True, False, False, False]
    answers = np.array([0.9, 0.8, 0.7, 0.1]), np.zeros(4, bool)
    confidence, is_real, _, pair = counted(scene, answers, 3, before)
    assert confidence.tolist() == [0.9, 0.1]
    assert is_real.tolist() == [True, False]
    assert pair.tolist() == [3, 3]
