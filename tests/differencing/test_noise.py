import numpy as np
import pytest

from differencing.subtraction.noise import excess_scatter, robust_sigma, typical_noise


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


def scatters(true, *, share_off=0.0, count=150, turns=100):
    """Excess scatter of ``turns`` samples whose errors differ by a factor of 50, and its error."""
    rng = np.random.default_rng(11)
    found = []
    for _ in range(turns):
        error = 10 ** rng.uniform(-3, -1.3, count)
        values = 0.3 + rng.normal(0, np.hypot(error, true))
        values[rng.random(count) < share_off] += 0.3
        found.append(excess_scatter(values, error**2))
    return np.array(found).T


@pytest.mark.parametrize("share_off", [0.0, 0.05])
@pytest.mark.parametrize("true", [0.005, 0.02])
def test_scatter_beyond_errors_is_found_whatever_the_errors(true, share_off):
    scatter, error = scatters(true, share_off=share_off)
    # the mean of 100; an outlier nearer than 3.5 sigma to the others stays in, rarely
    assert scatter.mean() == pytest.approx(true, rel=0.03)
    assert error.mean() == pytest.approx(scatter.std(), rel=0.35)


def test_values_that_scatter_by_their_errors_have_no_excess():
    scatter, error = scatters(0.0)
    # a moment is as often below its expectation as above: 3 sigma of 100 draws
    assert 0.35 < np.mean(scatter == 0) < 0.65
    spread = (scatter + error) ** 2 - scatter**2
    assert np.mean(scatter**2 < 3 * spread) > 0.97


def test_a_single_value_has_no_excess_but_an_error():
    scatter, error = excess_scatter(np.array([0.2]), np.array([1e-4]))
    assert scatter == 0
    # its variance is uncertain by sqrt(2) of itself
    assert error == pytest.approx(0.01 * 2**0.25)
