"""A confidence that says too much is brought to what the verdicts say."""

import numpy as np
import pytest

from detection.calibration import Calibration
from detection.recalibration import Judged, before_and_after, recalibrated, refit
from detection.weights import load

# What the network says is this line in logits away from the truth.
TRUE = Calibration(slope=0.6, intercept=-1.0)


def judged(rng, size=20_000):
    confidence = rng.uniform(0.01, 0.99, size)
    is_real = rng.random(size) < TRUE(confidence)
    return Judged(confidence, is_real, np.ones(size), np.arange(size) // 4)


def test_the_line_that_was_bent_in_is_found_again():
    found = refit(judged(np.random.default_rng(1)))
    # 20000 verdicts: standard errors of 0.01 and 0.02
    assert found.slope == pytest.approx(TRUE.slope, abs=0.05)
    assert found.intercept == pytest.approx(TRUE.intercept, abs=0.1)


def test_the_calibration_error_of_other_verdicts_falls_and_their_likelihood_rises():
    rng = np.random.default_rng(2)
    found = before_and_after(judged(rng, 4000), refit(judged(rng)))
    assert found["ece_before"]["low"] > found["ece"]["high"]
    assert found["log_loss"] < found["log_loss_before"]


def test_a_verdict_counts_by_its_weight():
    rng = np.random.default_rng(3)
    sample = judged(rng)
    # a second, opposite opinion of everything that hardly counts
    both = Judged(
        np.tile(sample.confidence, 2),
        np.concatenate([sample.is_real, ~sample.is_real]),
        np.concatenate([np.ones(20_000), np.full(20_000, 1e-4)]),
        np.tile(sample.group, 2),
    )
    assert refit(both).slope == pytest.approx(refit(sample).slope, abs=0.01)


def test_one_kind_alone_fits_nothing():
    sample = judged(np.random.default_rng(4), 100)
    with pytest.raises(ValueError, match="calibration needs both"):
        refit(sample.chosen(sample.is_real))


def test_the_new_card_says_what_the_correction_says_and_lets_the_same_candidates_pass():
    card = load().card
    new = recalibrated(card, TRUE, "1.1")
    probability = np.linspace(0.001, 0.999, 500)
    assert new.calibration(probability) == pytest.approx(TRUE(card.calibration(probability)))
    old_pass = card.calibration(probability) >= card.thresholds["detection"]
    new_pass = new.calibration(probability) >= new.thresholds["detection"]
    assert (old_pass == new_pass).all()
    assert (new.version, new.sha256) == ("1.1", card.sha256)
