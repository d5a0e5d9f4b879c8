"""Known periods are found: of sines, sawteeth and eclipses, in one band and in several."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lightcurves.analysis.frequencies import Range
from lightcurves.analysis.periods import Search, find_period, measure_periodogram


def nights(number, seed=1, span=400):
    """Give times of single visits, within three hours of midnight."""
    rng = np.random.default_rng(seed)
    days = np.sort(rng.choice(span, number, replace=False))
    return days + rng.uniform(-0.125, 0.125, number)


def noisy(values, error, seed=2):
    """Add Gaussian noise."""
    return values + np.random.default_rng(seed).normal(0, error, values.size)


def widest_gap(times, period):
    """Give the widest gap between phases, in turns."""
    phases = np.sort((times / period) % 1)
    return max(np.diff(phases, append=phases[0] + 1))


@settings(max_examples=10, deadline=None)
@given(period=st.floats(0.2, 20.0), amplitude=st.floats(0.1, 100))
def test_the_period_of_a_sine_is_found_within_its_error(period, amplitude):
    times = nights(120)
    assume(widest_gap(times, period) < 0.2)  # whole days: visits at night see two phases alone
    values = noisy(amplitude * np.sin(2 * np.pi * times / period), amplitude / 10)
    found = find_period(times, values, np.full(120, amplitude / 10))
    assert abs(found.period - period) < 5 * found.period_error
    assert found.amplitude == pytest.approx(amplitude, rel=0.1)
    assert found.harmonics == 1


def test_noise_of_a_sine_is_no_harmonic_and_does_not_double_its_period():
    times, rng = nights(120), np.random.default_rng(5)
    periods = np.exp(rng.uniform(np.log(0.2), np.log(20), 60))
    assert max(widest_gap(times, period) for period in periods) < 0.2
    for seed, period in enumerate(periods, start=100):
        values = noisy(np.sin(2 * np.pi * times / period), 0.1, seed=seed)
        found = find_period(times, values, np.full(120, 0.1))
        assert (found.harmonics, found.period) == (1, pytest.approx(period, rel=2e-3))


def test_a_sawtooth_has_its_period_not_an_alias_or_a_part_of_it():
    times, period = nights(150), 0.5714
    values = noisy(1 - (times / period) % 1, 0.03)
    found = find_period(times, values)
    # Phases drift by less than a twentieth of a turn over 400 d.
    assert found.period == pytest.approx(period, abs=0.05 * period**2 / 400)
    assert found.harmonics >= 3
    # Six harmonics hold 6 / pi**2 (1 + 1/4 + ... + 1/36) = 0.907 of a sawtooth.
    assert found.explained > 0.9
    assert {one.relation for one in found.rivals} >= {"twice the period", "alias by 1 / d"}
    assert all(one.worse_by > 0 for one in found.rivals)


def test_eclipses_of_unlike_depth_have_their_whole_period():
    times, period = nights(400, span=900), 2.3456
    phase = (times / period) % 1
    dips = np.exp(-0.5 * ((phase - 0.25) / 0.05) ** 2) + 0.6 * np.exp(
        -0.5 * ((phase - 0.75) / 0.05) ** 2
    )
    found = find_period(times, noisy(10 - dips, 0.03))
    assert found.period == pytest.approx(period, rel=1e-4)


def test_the_epoch_is_a_time_of_greatest_value():
    times = nights(100)
    found = find_period(times, np.cos(2 * np.pi * (times - 3.7) / 5), np.full(100, 0.01))
    assert (found.epoch - 3.7) / 5 % 1 == pytest.approx(1, abs=0.01) or (
        (found.epoch - 3.7) / 5 % 1 == pytest.approx(0, abs=0.01)
    )


def test_noise_has_no_period_that_could_not_be_chance():
    times = nights(200)
    chances = [
        measure_periodogram(times, noisy(np.zeros(200), 1, seed)).false_alarm_probability
        for seed in range(10)
    ]
    # Of ten, the least is below 0.01 in one case of ten; Baluev's is an upper limit.
    assert min(chances) > 0.001


def test_bands_together_show_what_each_alone_does_not():
    rng = np.random.default_rng(6)
    times, bands = nights(150, span=200), rng.choice(["g", "r", "i"], 150)
    level = np.select([bands == "g", bands == "r"], [16.0, 15.0], 14.5)
    values = noisy(level + 0.2 * np.sin(2 * np.pi * times / 0.7123), 0.1)
    together = find_period(times, values, np.full(150, 0.1), bands=bands)
    assert abs(together.period - 0.7123) < 5 * together.period_error
    assert np.isnan(together.false_alarm_probability)


def test_a_band_of_few_points_or_a_constant_one_is_left_out():
    times = nights(60)
    bands = np.array(["g"] * 40 + ["r"] * 3 + ["i"] * 17)
    values = np.where(bands == "i", 3.0, np.sin(2 * np.pi * times / 0.37))
    found = find_period(times, values, bands=bands)
    assert found.period == pytest.approx(0.37, rel=1e-3)


def test_regular_times_are_searched_up_to_their_nyquist_frequency():
    found = measure_periodogram(np.arange(100) * 0.5, np.sin(np.arange(100)))
    assert found.frequencies[-1] == pytest.approx(1.0, abs=0.01)
    assert found.frequencies[0] == pytest.approx(2 / 49.5)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"values": np.full(20, 3.0)}, "all values are 3; what is constant has no period"),
        ({"values": np.full(20, np.nan)}, "0 of 20 points are finite; at least 8"),
        ({"times": np.zeros(20)}, "all 20 points are at 0.0; they span no time"),
        ({"times": np.arange(20.0)[::-1]}, "times must not decrease"),
        ({"errors": np.zeros(20)}, r"errors\[0\] is 0 \(20 such\)"),
        ({"bands": ["g"]}, r"bands has shape \(1,\)"),
        ({"bands": list("abcdefghijklmnopqrst")}, "no band has more than"),
        ({"search": Search(Range(longest=1.0, shortest=2.0))}, "shortest is 2 and longest 1"),
        ({"search": Search(Range(shortest=1e-7))}, "at most 20000000"),
    ],
)
def test_what_has_no_period_to_be_found_is_said(changes, complaint):
    given = {"times": np.arange(20.0), "values": np.sin(np.arange(20.0))} | changes
    if "bands" in changes and len(changes["bands"]) == 20:
        complaint = "what is constant has no period"  # a single point per band
    with pytest.raises(ValueError, match=complaint):
        find_period(**given)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: Range(shortest=0.0), "shortest is 0.0"),
        (lambda: Range(longest=-1.0), "longest is -1.0"),
        (lambda: Range(oversampling=0), "oversampling is 0"),
        (lambda: Search(peaks=0), "peaks is 0"),
        (lambda: Search(harmonics=0), "harmonics is 0"),
    ],
)
def test_a_search_that_is_none_is_refused(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()
