"""Phases are those of a period, whatever turn a time lies in."""

import numpy as np
import pytest
from astropy import units
from astropy.time import Time
from astropy.timeseries import TimeSeries
from hypothesis import given
from hypothesis import strategies as st

from lightcurves.analysis.folding import fold

PERIODS = st.floats(0.01, 100.0)
TIMES = st.floats(-1e4, 1e4)


def apart(one, other):
    """Give the distance of phases around the circle."""
    return np.abs((one - other + 0.5) % 1 - 0.5)


@given(time=TIMES, period=PERIODS, epoch=TIMES, turns=st.integers(-1000, 1000))
def test_folding_is_periodic(time, period, epoch, turns):
    here = fold([time], period=period, epoch=epoch)
    there = fold([time + turns * period], period=period, epoch=epoch)
    # Rounding of times of 1e5 d is 1.5e-11 d, of a period of 0.01 d therefore 1.5e-9.
    assert apart(here, there) < 1e-8


@given(time=TIMES, period=PERIODS, epoch=TIMES, wrap=st.floats(0, 1))
def test_phases_lie_within_one_turn_that_ends_where_wanted(time, period, epoch, wrap):
    (phase,) = fold([time], period=period, epoch=epoch, wrap=wrap)
    assert wrap - 1 <= phase < wrap or phase == pytest.approx(wrap - 1, abs=1e-15)


def test_a_time_a_breath_before_the_epoch_is_no_full_turn():
    assert fold([-1e-20], period=1.0) == 0.0


def test_phases_are_those_of_astropy():
    times = np.random.default_rng(3).uniform(0, 30, 500)
    series = TimeSeries(time=Time(2458000 + times, format="jd", scale="tdb"))
    theirs = series.fold(period=0.57 * units.day, epoch_time=series.time[0])
    folded = np.asarray(theirs.time.jd)
    ours = fold(times, period=0.57, epoch=times[0], wrap=0.5) * 0.57
    # astropy keeps what is left of a time in two floats, we in one of 2.4e6 d: 5e-10 d.
    np.testing.assert_allclose(ours, folded, atol=1e-8)


def test_what_is_no_time_has_no_phase():
    assert np.isnan(fold([np.nan, 1.0], period=2.0)).tolist() == [True, False]


@pytest.mark.parametrize("period", [0.0, -1.5, np.nan, np.inf])
def test_a_period_that_is_none_is_refused(period):
    with pytest.raises(ValueError, match=f"period is {period}"):
        fold([1.0], period=period)


def test_an_epoch_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="epoch is nan"):
        fold([1.0], period=1.0, epoch=np.nan)
