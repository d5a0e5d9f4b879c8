import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.estimates import CURATOR_RELIABILITY, Measured, mean_position, posterior


def test_one_sure_witness_on_an_even_score_gives_their_reliability():
    # logit(0.5) = 0, so the posterior is the curator's reliability itself
    assert posterior([0.5], [1.0]) == pytest.approx(CURATOR_RELIABILITY)


def test_a_witness_who_cannot_tell_changes_nothing():
    assert posterior([0.8], [0.0]) == pytest.approx(0.8)


def test_two_witnesses_who_contradict_each_other_cancel():
    assert posterior([0.8], [1.0, -1.0]) == pytest.approx(0.8)


def test_epochs_are_averaged_not_multiplied():
    assert posterior([0.9] * 5, []) == pytest.approx(0.9)


def test_two_agreeing_witnesses_count_as_bayes_says():
    odds = (0.7 / 0.3) * (0.95 / 0.05) ** 2
    assert posterior([0.7], [1.0, 1.0]) == pytest.approx(odds / (1 + odds))


def test_no_score_is_refused():
    with pytest.raises(ValueError, match="no score"):
        posterior([], [1.0])


@given(st.lists(st.floats(0, 1), min_size=1), st.lists(st.floats(-1, 1), max_size=8))
def test_a_posterior_is_a_probability(scores, witnesses):
    assert 0 <= posterior(scores, witnesses) <= 1


def place(ra, dec, snr=10.0, fwhm=1.0):
    return Measured(ra, dec, snr, fwhm)


def test_the_mean_leans_to_the_better_measured_place():
    mean = mean_position([place(10.0, 0.0, snr=30.0), place(10.001, 0.0, snr=10.0)])
    # weights 9 to 1 on the equator; the chord of 3.6 arcsec differs by below 1e-10
    assert (mean.ra, mean.dec) == pytest.approx((10.0001, 0.0), abs=1e-9)


def test_the_mean_is_right_across_right_ascension_zero():
    mean = mean_position([place(359.999, 5.0), place(0.001, 5.0)])
    assert min(mean.ra, 360 - mean.ra) == pytest.approx(0.0, abs=1e-9)
    assert 0 <= mean.ra < 360


def test_the_mean_is_right_at_the_pole():
    mean = mean_position([place(ra, 89.999) for ra in (0.0, 90.0, 180.0, 270.0)])
    assert mean.dec == pytest.approx(90.0, abs=1e-6)


def test_the_error_is_that_of_a_weighted_mean_of_gaussian_centroids():
    one = 1.0 / (2 * np.sqrt(2 * np.log(2)) * 10.0)
    assert mean_position([place(10, 0)]).error_arcsec == pytest.approx(one)
    # equal places: the error falls with the root of their number
    assert mean_position([place(10, 0)] * 4).error_arcsec == pytest.approx(one / 2)


def test_the_error_is_confirmed_by_scattered_places():
    rng = np.random.default_rng(3)
    sigma = 1.0 / 2.3548 / 10.0
    means = [
        mean_position([place(10.0, dec) for dec in rng.normal(0, sigma / 3600, 4)]).dec * 3600
        for _ in range(400)
    ]
    # a standard deviation from 400 draws is known to 1 / sqrt(800) = 3.5 %; allow 4 of these
    assert np.std(means) == pytest.approx(mean_position([place(10, 0)] * 4).error_arcsec, rel=0.14)


def test_places_without_signal_to_noise_are_left_out_or_averaged_plainly():
    better = mean_position([place(10.0, 0.0), place(20.0, 0.0, snr=None)])
    assert better.ra == pytest.approx(10.0)
    plain = mean_position([place(10.0, 0.0, snr=None), place(10.002, 0.0, snr=None)])
    assert (plain.ra, plain.error_arcsec) == (pytest.approx(10.001), None)


def test_places_on_opposite_sides_of_the_sky_have_no_mean():
    with pytest.raises(ValueError, match="no common mean"):
        mean_position([place(0, 0), place(180, 0)])
