"""Figures of variability are what their equations give, and what is known of noise and sines."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightcurves.analysis.variability import measure_variability, pair_starts
from tests.lightcurves.curves import some_points

N = 20_000


@pytest.fixture(scope="module")
def noise():
    """Give Gaussian noise of 0.1 about 5 whose errors are right, a point an hour."""
    rng = np.random.default_rng(5)
    return measure_variability(np.arange(N) / 24, rng.normal(5, 0.1, N), np.full(N, 0.1))


def test_noise_that_is_what_its_errors_say_does_not_vary(noise):
    # Tolerances are four standard errors of N points: 2/N for variances, 1/N and so on.
    assert noise.n == N
    assert noise.mean == pytest.approx(5, abs=4 * 0.1 / N**0.5)
    assert noise.std == pytest.approx(0.1, rel=4 / (2 * N) ** 0.5)
    assert noise.mad_std == pytest.approx(0.1, rel=4 * 1.17 / N**0.5)
    assert noise.reduced_chi2 == pytest.approx(1, abs=4 * (2 / N) ** 0.5)
    assert noise.excess_variance == pytest.approx(0, abs=4 * 0.01 * (2 / N) ** 0.5)
    assert noise.von_neumann == pytest.approx(2, abs=4 * 2 / N**0.5)
    assert noise.skew == pytest.approx(0, abs=4 * (6 / N) ** 0.5)
    assert noise.kurtosis == pytest.approx(0, abs=4 * (24 / N) ** 0.5)
    assert noise.stetson_k == pytest.approx((2 / np.pi) ** 0.5, abs=4 / N**0.5)
    assert abs(noise.slope) < 4 * noise.slope_error


def test_percentiles_of_noise_are_those_of_a_gaussian(noise):
    # The standard error of a 95th percentile is 2.11 sigma / sqrt(N).
    assert noise.amplitude == pytest.approx(0.16449, abs=4 * 0.211 / N**0.5)
    assert noise.percentile_75 - 5 == pytest.approx(0.06745, abs=4 * 0.136 / N**0.5)


def test_the_line_of_a_sine_is_known():
    times = np.arange(N) / N * 100
    found = measure_variability(times, np.sin(2 * np.pi * times / 10), np.full(N, 0.01))
    assert found.std == pytest.approx(0.5**0.5, rel=1e-3)  # of whole turns, but for n - 1
    assert found.stetson_k == pytest.approx(8**0.5 / np.pi, rel=1e-4)
    assert found.reduced_chi2 == pytest.approx(0.5 / 0.01**2, rel=1e-3)
    assert found.excess_variance == pytest.approx(0.5 - 1e-4, rel=1e-3)
    assert found.kurtosis == pytest.approx(-1.5, rel=1e-3)
    assert found.von_neumann < 1e-4


def test_a_straight_line_has_its_slope_and_the_error_of_its_fit():
    times = np.array([0.0, 1.0, 2.0, 5.0])
    errors = np.array([1.0, 2.0, 1.0, 0.5])
    found = measure_variability(times, 3 - 0.25 * times, errors)
    assert found.slope == pytest.approx(-0.25)
    weighted = np.polyfit(times, 3 - 0.25 * times, 1, w=1 / errors, cov="unscaled")[1]
    assert found.slope_error == pytest.approx(weighted[0, 0] ** 0.5)


def test_without_errors_the_slope_is_as_sure_as_the_scatter_lets_it_be():
    times, values = np.array([0.0, 1.0, 2.0, 5.0]), np.array([1.0, 0.0, 2.0, 3.0])
    found = measure_variability(times, values)
    expected = np.polyfit(times, values, 1, cov=True)
    assert found.slope == pytest.approx(expected[0][0])
    assert found.slope_error == pytest.approx(expected[1][0, 0] ** 0.5)
    assert np.isnan([found.reduced_chi2, found.stetson_j, found.excess_variance]).all()


def test_stetsons_j_knows_pairs_that_rise_together_from_single_outliers():
    nights = np.repeat(np.arange(50.0), 2) + np.tile([0.0, 0.01], 50)
    together = np.repeat([1.0, -1.0], 50)
    against = np.tile([1.0, -1.0], 50)
    errors = np.full(100, 0.1)
    one = measure_variability(nights, together, errors).stetson_j
    other = measure_variability(nights, against, errors).stetson_j
    assert one == pytest.approx(10 * (100 / 99) ** 0.5)
    assert other == pytest.approx(-one)


@given(times=st.lists(st.floats(0, 10), min_size=2, max_size=30).map(sorted))
def test_no_point_is_in_two_pairs_and_no_pair_could_be_added(times):
    first = pair_starts(np.array(times), 0.5)
    taken = [*first, *(first + 1)]
    assert len(set(taken)) == len(taken)
    assert all(times[i + 1] - times[i] <= 0.5 for i in first)
    free = sorted(set(range(len(times))) - set(taken))
    assert all(b - a > 1 or times[b] - times[a] > 0.5 for a, b in pairwise(free))


@given(curve=some_points(least=4), factor=st.floats(0.1, 10), shift=st.floats(-100, 100))
def test_figures_without_a_unit_do_not_depend_on_it(curve, factor, shift):
    times, values, errors = curve
    if np.ptp(values) < 0.1:
        values = values + np.arange(values.size)
    plain = measure_variability(times, values, errors)
    moved = measure_variability(times + 7, values * factor + shift, errors * factor)
    for name in ("reduced_chi2", "von_neumann", "stetson_k", "skew", "kurtosis"):
        assert getattr(moved, name) == pytest.approx(getattr(plain, name), rel=1e-5, abs=1e-5)
    for name in ("std", "amplitude", "mad_std", "slope", "slope_error"):
        expected = getattr(plain, name) * factor
        assert getattr(moved, name) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_a_constant_has_no_shape():
    found = measure_variability([0.0, 1.0, 2.0], [0.1, 0.1, 0.1], [1.0, 1.0, 1.0])
    assert (found.std, found.amplitude, found.slope) == pytest.approx((0, 0, 0))
    assert np.isnan([found.skew, found.kurtosis, found.von_neumann]).all()


def test_points_at_one_time_have_no_slope():
    found = measure_variability([1.0, 1.0, 1.0], [1.0, 2.0, 3.0])
    assert np.isnan([found.slope, found.slope_error]).all()


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ([np.nan] * 4, "0 of 4 points are finite; at least 3"),
        ([1.0, 2.0, np.nan, np.inf], "2 of 4 points are finite; at least 3"),
    ],
)
def test_too_few_points_are_refused(values, complaint):
    with pytest.raises(ValueError, match=complaint):
        measure_variability(np.arange(4.0), values)
