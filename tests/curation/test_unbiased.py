"""Precision, recall and calibration of a network whose truth is known, from a biased look at it."""

import numpy as np
import pytest

from curation.unbiased import Sample, calibration, precision, recall, weighted_share

THRESHOLD = 0.5


def population(rng, size=4000):
    """Candidates whose confidence is calibrated: each is real with just this probability."""
    confidence = rng.beta(0.4, 0.8, size)
    return confidence, rng.random(size) < confidence


def drawn(rng, confidence, is_real, share=0.2, rejected=200):
    """Draw a share of the detections and a fixed number of what was rejected, with weights."""
    believed = confidence >= THRESHOLD
    chosen = believed & (rng.random(confidence.size) < share)
    misses = rng.choice(np.flatnonzero(~believed), rejected, replace=False)
    rows = np.concatenate([np.flatnonzero(chosen), misses])
    weight = np.where(believed[rows], 1 / share, (~believed).sum() / rejected)
    return Sample(confidence[rows], is_real[rows], believed[rows], weight)


def test_the_truth_lies_in_the_intervals_as_often_as_they_say():
    rng = np.random.default_rng(9)
    held = np.zeros(2)
    for _ in range(200):
        confidence, is_real = population(rng)
        sample = drawn(rng, confidence, is_real)
        believed = confidence >= THRESHOLD
        truth = is_real[believed].mean(), believed[is_real].mean()
        found = precision(sample), recall(sample)
        held += [each.low <= t <= each.high for each, t in zip(found, truth, strict=True)]
    # 95 % of 200 is 190 +- 3; five of them for precision. Recall mixes two strata, for which the
    # effective number is an approximation: it may hold ten percent less often.
    assert held[0] >= 175
    assert held[1] >= 165


def test_without_weights_recall_would_be_wrong_and_with_them_it_is_not():
    rng = np.random.default_rng(1)
    confidence, is_real = population(rng, 200_000)
    sample = drawn(rng, confidence, is_real, rejected=20_000)
    truth = (confidence >= THRESHOLD)[is_real].mean()
    # two thousand and more real ones on each side: a percent
    assert recall(sample).value == pytest.approx(truth, abs=0.015)
    assert abs(sample.is_believed[sample.is_real].mean() - truth) > 0.02


def test_a_calibrated_network_has_its_curve_on_the_diagonal():
    rng = np.random.default_rng(3)
    confidence, is_real = population(rng, 200_000)
    for each in calibration(drawn(rng, confidence, is_real, rejected=20_000)):
        # at least a thousand in a bin: a standard error of 1.6 %
        assert each.share.value == pytest.approx(each.confidence, abs=0.05)


def test_equal_weights_give_wilsons_interval():
    # Wilson 1927 for 8 of 10: 0.490 to 0.943
    hits = np.arange(10) < 8
    found = weighted_share(hits, np.full(10, 3.0))
    assert (found.value, found.verdicts) == (0.8, 10)
    assert (found.low, found.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_without_judged_rejects_nothing_is_said_of_misses():
    ones = np.ones(3)
    sample = Sample(ones, np.array([True, True, False]), np.ones(3, bool), ones)
    assert recall(sample).value is None
    assert precision(sample).value == pytest.approx(2 / 3)
    empty = np.array([])
    nothing = Sample(empty, empty.astype(bool), empty.astype(bool), empty)
    assert precision(nothing).value is None
    assert calibration(nothing) == []


def test_weights_that_are_no_weights_are_refused():
    with pytest.raises(ValueError, match="all must be > 0"):
        weighted_share(np.array([True]), np.array([0.0]))
