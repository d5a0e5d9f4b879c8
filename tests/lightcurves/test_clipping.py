"""Outliers go, and once they are gone nothing else does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightcurves.analysis.clipping import find_outliers


@given(
    seed=st.integers(0, 2**32 - 1),
    number=st.integers(1, 200),
    sigma=st.floats(1, 6),
    scale=st.sampled_from(["mad_std", "std"]),
)
def test_clipping_is_idempotent(seed, number, sigma, scale):
    values = np.random.default_rng(seed).standard_cauchy(number)
    out = find_outliers(values, lower=sigma, upper=sigma, scale=scale)
    assert not find_outliers(values[~out], lower=sigma, upper=sigma, scale=scale).any()


@given(seed=st.integers(0, 2**32 - 1), factor=st.floats(0.01, 100), shift=st.floats(-100, 100))
def test_clipping_does_not_depend_on_the_unit(seed, factor, shift):
    values = np.random.default_rng(seed).standard_cauchy(50)
    moved = find_outliers(values * factor + shift)
    np.testing.assert_array_equal(moved, find_outliers(values))


def test_what_is_far_is_found_on_the_side_that_is_looked_at():
    values = np.random.default_rng(1).normal(0, 1, 1000).clip(-4, 4)
    values[[3, 7]] = -20, 20
    assert np.flatnonzero(find_outliers(values)).tolist() == [3, 7]
    assert np.flatnonzero(find_outliers(values, lower=np.inf)).tolist() == [7]


def test_what_is_not_finite_is_no_outlier_and_does_not_count():
    values = [1.0, 2.0, np.nan, 3.0, np.inf, 1000.0, 2.5, 1.5]
    assert np.flatnonzero(find_outliers(values)).tolist() == [5]


def test_a_constant_has_no_outlier():
    assert not find_outliers([2.0, 2.0, 2.0]).any()


@pytest.mark.parametrize(
    ("values", "changes", "complaint"),
    [
        ([np.nan, np.nan], {}, "no value is finite"),
        ([1.0, 2.0], {"lower": 0.0}, "lower is 0.0; it must be at least 1"),
        ([1.0, 2.0], {"upper": -3.0}, "upper is -3.0"),
        ([1.0, 2.0], {"scale": "iqr"}, "scale is 'iqr'; it must be one of mad_std, std"),
        ([[1.0]], {}, r"shape \(1, 1\)"),
        ([1.0, 1.0, 1.0, 2.0], {}, 'more than half of 4 values are 1, .* clip by scale="std"'),
    ],
)
def test_what_cannot_be_clipped_is_said(values, changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        find_outliers(values, **changes)
