import numpy as np
import pytest

from differencing.subtraction.noise import robust_sigma, typical_noise


def test_recovers_a_known_sigma_despite_outliers():
    values = np.random.default_rng(7).normal(100.0, 3.0, size=(500, 500))
    values[0, :50] = 1e6
    # standard error of the MAD estimator: 1.17 sigma / sqrt(N) = 0.007; allow 4 of them
    assert robust_sigma(values) == pytest.approx(3.0, abs=0.028)


def test_leaves_nan_and_masked_values_out_of_a_sigma():
    values = np.array([1.0, 2.0, 3.0, np.nan, 900.0])
    masked = np.array([False, False, False, False, True])
    # median deviation of 1, 2, 3 is 1
    assert robust_sigma(values, masked) == pytest.approx(1.4826, abs=1e-4)


def test_refuses_a_sigma_of_nothing():
    with pytest.raises(ValueError, match="no finite, unmasked value among 4"):
        robust_sigma(np.full(4, np.nan))


def test_gives_the_median_noise_of_good_pixels():
    noise = np.full((64, 64), 2.0, np.float32)
    bad = np.zeros((64, 64), bool)
    noise[:32], bad[:32] = 50.0, True
    assert typical_noise(noise, bad) == pytest.approx(2.0)


def test_refuses_a_noise_map_without_noise():
    with pytest.raises(ValueError, match=r"median 0\.0"):
        typical_noise(np.zeros((8, 8), np.float32), np.zeros((8, 8), bool))


def test_refuses_a_noise_map_that_is_all_masked():
    with pytest.raises(ValueError, match="all 64 pixels are masked"):
        typical_noise(np.ones((8, 8), np.float32), np.ones((8, 8), bool))
