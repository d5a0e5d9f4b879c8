"""Trends go, transits stay, and gaps part what they part."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import savgol_filter

from lightcurves.analysis.detrending import METHODS, detrend, find_trend

CADENCE = 0.02
TIMES = np.arange(1000) * CADENCE
each_method = pytest.mark.parametrize("method", METHODS)


@each_method
def test_a_slow_wave_goes_and_a_transit_stays(method):
    rng = np.random.default_rng(8)
    wave = 100 * (1 + 0.02 * np.sin(2 * np.pi * TIMES / 15))
    in_transit = (TIMES % 5 > 2) & (TIMES % 5 < 2.15)
    values = wave * np.where(in_transit, 0.99, 1) + rng.normal(0, 0.02, TIMES.size)
    flat = detrend(TIMES, values, np.full(TIMES.size, 0.02), width=1.0, method=method)
    # Windows hold 50 points: their median is good to 1.25 * 2e-4 / sqrt(50) = 4e-5, and a wave of
    # 15 d bends by (2 pi / 15)**2 * 0.02 / 24 = 1.5e-4 within them.
    # The windows of the first and last half day are cut short, where the wave is steep.
    inner = ~in_transit & (TIMES > 0.5) & (TIMES[-1] - 0.5 > TIMES)
    assert np.median(flat.values[inner]) == pytest.approx(1, abs=2e-4)
    # Beside a transit the middle is that of one side's points, 0.05 d off on a slope of 8e-3 / d.
    assert 1.5e-4 < np.std(flat.values[inner]) < 2e-4 + 4e-4 / 2
    # Seven of the fifty points in a window are low, which draws the middle down a little.
    assert np.median(flat.values[in_transit]) == pytest.approx(0.99, abs=1e-3)


@each_method
def test_the_trend_of_a_constant_is_the_constant(method):
    np.testing.assert_allclose(
        find_trend(TIMES, np.full(TIMES.size, 7.0), width=1.0, method=method), 7.0, rtol=1e-12
    )


@each_method
def test_a_gap_parts_the_curve(method):
    times = np.concatenate([TIMES[:200], TIMES[300:500]])
    values = np.where(times < 5, 10.0, 20.0)
    trend = find_trend(times, values, width=3.0, gap=1.0, method=method)
    np.testing.assert_allclose(trend, values, rtol=1e-12)


@each_method
def test_one_outlier_does_not_move_the_trend(method):
    values = 10 + np.random.default_rng(2).normal(0, 0.1, TIMES.size)
    plain = find_trend(TIMES, values, width=1.0, method=method)
    values[500] = 1000
    # A middle shifts by at most one place among 50 of a scatter of 0.1.
    np.testing.assert_allclose(
        find_trend(TIMES, values, width=1.0, method=method), plain, atol=0.02
    )


@each_method
def test_points_that_are_not_finite_have_no_trend_and_do_not_spoil_others(method):
    values = 10 + np.random.default_rng(4).normal(0, 0.1, TIMES.size)
    values[[0, 500, 501, 999]] = np.nan
    trend = find_trend(TIMES, values, width=1.0, method=method)
    np.testing.assert_array_equal(np.isnan(trend), np.isnan(values))
    np.testing.assert_allclose(trend[np.isfinite(trend)], 10, atol=0.15)


def test_savgol_is_scipys_where_no_cadence_is_missing():
    values = 10 + np.random.default_rng(4).uniform(-0.1, 0.1, 200)
    ours = find_trend(TIMES[:200], values, width=0.41, method="savgol")
    np.testing.assert_allclose(ours, savgol_filter(values, 21, 2), atol=1e-3)


@given(
    factor=st.floats(0.01, 100),
    times=st.lists(st.floats(0, 10), min_size=1, max_size=30).map(sorted),
)
def test_a_curve_over_its_trend_has_no_unit(factor, times):
    values = 5 + np.sin(times)
    one = detrend(times, values, width=2.0, method="median")
    other = detrend(times, values * factor, width=2.0, method="median")
    np.testing.assert_allclose(other.values, one.values, rtol=1e-12)


def test_subtracting_keeps_the_unit_and_the_errors():
    flat = detrend([0.0, 1.0, 2.0], [1.0, 5.0, 3.0], [0.1, 0.2, 0.3], width=10.0, divide=False,
                   method="median")  # fmt: skip
    assert flat.values.tolist() == [-2.0, 2.0, 0.0]
    assert flat.errors.tolist() == [0.1, 0.2, 0.3]


def test_dividing_divides_the_errors_too():
    flat = detrend([0.0, 1.0], [2.0, 2.0], [0.1, 0.2], width=10.0)
    assert flat.errors.tolist() == [0.05, 0.1]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"width": 0.0}, "width is 0.0"),
        ({"width": 1.0, "gap": -1.0}, "gap is -1.0"),
        ({"width": 1.0, "method": "spline"}, "method is 'spline'"),
        ({"width": 1.0, "times": [0.0, 2.0, 1.0, 3.0]}, r"\[2\] is 1.0 after 2.0"),
        ({"width": 1.0, "values": [np.nan] * 4}, "0 of 4 points are finite"),
        ({"width": 9.0, "values": [0.0, -1.0, 0.0, -2.0]}, "the trend is -0.5 at 0.0"),
        ({"width": 9.0, "times": [0.0, 1.0, 2.4, 3.4], "method": "savgol"}, "1.40 cadences of 1"),
        ({"width": 1.0, "gap": 5.0, "method": "savgol"}, "width 1.0 is 1 cadences of 1"),
    ],
)
def test_what_cannot_be_detrended_is_said(changes, complaint):
    given = {"times": [0.0, 1.0, 2.0, 3.0], "values": [1.0, 2.0, 3.0, 4.0], "method": "median"}
    with pytest.raises(ValueError, match=complaint):
        detrend(**given | changes)
