"""Transits that were put into noise come out with their figures."""

import numpy as np
import pytest

from lightcurves.analysis.transits import BoxSearch, find_transit


def curve(period=3.3, depth=0.01, duration=0.2, noise=0.001, seed=3):
    """Give 27 d of half-hour cadences, a gap of 1.5 d in the middle, with dips."""
    times = np.arange(0, 27, 1 / 48)
    times = times[np.abs(times - 13.5) > 0.75]
    inside = np.abs((times - 1.0 + period / 2) % period - period / 2) < duration / 2
    rng = np.random.default_rng(seed)
    return times, 1 - depth * inside + rng.normal(0, noise, times.size)


@pytest.mark.parametrize("errors", [None, 0.001])
def test_a_transit_is_found_with_its_period_depth_and_time(errors):
    times, values = curve()
    given = None if errors is None else np.full(times.size, errors)
    found = find_transit(times, values, given)
    # A dip's edges are known to half a cadence of 0.02 d, over seven turns.
    assert found.period == pytest.approx(3.3, abs=0.01)
    assert found.duration == 0.2
    assert (found.epoch - 1.0 + 0.1) % found.period == pytest.approx(0.1, abs=0.04)
    assert found.depth == pytest.approx(0.01, abs=5 * found.depth_error + 0.0005)
    assert found.snr > 30
    assert found.detection_efficiency > 10
    assert found.transits == 8


def test_noise_has_no_transit_worth_the_name():
    times, values = curve(depth=0.0)
    found = find_transit(times, values, np.full(times.size, 0.001))
    # Of some 6,000 independent boxes the best lies 4 to 5 standard deviations out.
    assert found.snr < 7


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"values": np.ones(30)}, "all values are 1; what is constant has no dip"),
        ({"times": np.arange(2.0), "values": np.ones(2)}, "2 of 2 points are finite; at least 20"),
        ({"search": BoxSearch(longest=0.4)}, "shortest is 0.66 and longest 0.4"),
        ({"search": BoxSearch(shortest=0.2)}, "duration 0.33 is not below the shortest"),
        ({"search": BoxSearch((1e-5,))}, "at most 2000000"),
    ],
)
def test_what_has_no_transit_to_be_found_is_said(changes, complaint):
    given = {"times": np.arange(30.0), "values": np.sin(np.arange(30.0))} | changes
    with pytest.raises(ValueError, match=complaint):
        find_transit(**given)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: BoxSearch(()), "durations is empty"),
        (lambda: BoxSearch((0.1, 0.0)), "duration is 0.0"),
        (lambda: BoxSearch(shortest=0.0), "shortest is 0.0"),
        (lambda: BoxSearch(longest=np.nan), "longest is nan"),
    ],
)
def test_boxes_that_are_none_are_refused(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()
