"""Bins hold what their points held, and no more certainty."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightcurves.analysis.binning import bin_by_count, bin_by_width
from tests.lightcurves.curves import some_points


def overall(values, errors):
    """Give the weighted mean of finite values and its error."""
    known = np.isfinite(values)
    weights = errors[known] ** -2.0
    return np.average(values[known], weights=weights), weights.sum() ** -0.5


@given(curve=some_points(), width=st.floats(0.05, 50.0), points=st.integers(1, 50))
def test_binning_conserves_the_weighted_mean_its_error_and_the_number_of_points(
    curve, width, points
):
    times, values, errors = curve
    for binned in (
        bin_by_width(times, values, errors, width=width),
        bin_by_count(times, values, errors, points=points),
    ):
        assert binned.counts.sum() == times.size
        np.testing.assert_allclose(
            overall(binned.values, binned.errors), overall(values, errors), rtol=1e-9, atol=1e-7
        )


@given(curve=some_points(), width=st.floats(0.05, 50.0))
def test_times_of_bins_lie_in_their_bins(curve, width):
    times, values, errors = curve
    binned = bin_by_width(times, values, errors, width=width)
    begins = times[0] + width * np.arange(binned.times.size)
    slack = 1e-9 * (1 + times[-1])
    assert (binned.times >= begins - slack).all()
    assert (binned.times <= begins + width + slack).all()


@given(curve=some_points(), points=st.integers(1, 50))
def test_binning_moves_with_the_values(curve, points):
    times, values, errors = curve
    plain = bin_by_count(times, values, errors, points=points)
    moved = bin_by_count(times, 2 * values + 1e6, 2 * errors, points=points)
    np.testing.assert_allclose(moved.values, 2 * plain.values + 1e6, rtol=1e-12)
    np.testing.assert_allclose(moved.errors, 2 * plain.errors, rtol=1e-12)


def test_a_bin_weighs_by_inverse_variance():
    binned = bin_by_width([0.0, 0.1, 5.0], [1.0, 4.0, 7.0], [1.0, 0.5, 2.0], width=1.0)
    assert binned.values[[0, 5]].tolist() == pytest.approx([(1 + 16) / 5, 7])
    assert binned.errors[[0, 5]].tolist() == pytest.approx([5**-0.5, 2])
    assert binned.times[0] == pytest.approx(0.4 / 5)


def test_empty_bins_are_nan_at_the_middle_of_their_time():
    binned = bin_by_width([0.0, 3.2], [1.0, 2.0], [1.0, 1.0], width=1.0)
    assert binned.counts.tolist() == [1, 0, 0, 1]
    assert np.isnan(binned.values).tolist() == [False, True, True, False]
    assert np.isnan(binned.errors).tolist() == [False, True, True, False]
    assert binned.times[1:3].tolist() == [1.5, 2.5]


def test_without_errors_a_bin_has_that_of_its_scatter():
    binned = bin_by_count(np.arange(5), [1.0, 2.0, 3.0, 4.0, 9.0], points=4)
    assert binned.values.tolist() == [2.5, 9.0]
    assert binned.errors[0] == pytest.approx(np.std([1, 2, 3, 4], ddof=1) / 2)
    assert np.isnan(binned.errors[1])


def test_points_that_are_not_finite_are_left_out():
    times = [0.0, 0.1, np.nan, 0.3, 0.4]
    values = [1.0, np.nan, 5.0, 3.0, 100.0]
    binned = bin_by_width(times, values, [1.0, 1.0, 1.0, 1.0, np.nan], width=1.0)
    assert (binned.values.tolist(), binned.counts.tolist()) == ([2.0], [2])


def test_an_error_of_zero_where_there_is_no_value_does_no_harm():
    binned = bin_by_count([0.0, 1.0], [np.nan, 3.0], [0.0, 1.0], points=2)
    assert binned.values.tolist() == [3.0]


def test_errors_that_are_all_nan_are_no_errors():
    binned = bin_by_count([0.0, 1.0], [1.0, 3.0], [np.nan, np.nan], points=2)
    assert binned.values.tolist() == [2.0]


def test_a_start_aligns_bins_and_leaves_out_what_came_before():
    binned = bin_by_width([0.9, 1.0, 1.9, 2.0], [9.0, 1.0, 3.0, 5.0], width=1.0, start=1.0)
    assert binned.values.tolist() == [2.0, 5.0]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"width": 0.0}, "width is 0"),
        ({"width": -1.0}, "width is -1"),
        ({"width": 1e-9}, "at most 10000000"),
        ({"start": 9.0}, "start is 9.0, after the last point at 2.0"),
        ({"errors": [1.0, 0.0, 1.0]}, r"errors\[1\] is 0 \(1 such\)"),
        ({"errors": [1.0, 1.0]}, r"errors has shape \(2,\)"),
        ({"values": [1.0, 2.0]}, r"times has shape \(3,\), values \(2,\)"),
        ({"values": [np.nan] * 3}, "0 of 3 points are finite"),
        ({"times": [0.0, 2.0, 1.0]}, r"times must not decrease; \[2\] is 1.0 after 2.0"),
    ],
)
def test_what_cannot_be_binned_is_said(changes, complaint):
    given = {"times": [0.0, 1.0, 2.0], "values": [1.0, 2.0, 3.0], "width": 1.0} | changes
    with pytest.raises(ValueError, match=complaint):
        bin_by_width(**given)


def test_a_bin_of_no_points_is_refused():
    with pytest.raises(ValueError, match="points is 0"):
        bin_by_count([1.0], [1.0], points=0)
