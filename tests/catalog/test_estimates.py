from itertools import count

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


ONE_EACH = count()


def place(ra, dec, snr=10.0, fwhm=1.0, exposure=None):
    """Give a place of an exposure of its own unless one is named."""
    return Measured(ra, dec, snr, fwhm, exposure or f"exposure {next(ONE_EACH)}")


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


SIGMA_PX = 1.7  # well sampled: the sums over pixels below are then integrals to 1e-6
WIDTH_PX = 2 * np.sqrt(2 * np.log(2)) * SIGMA_PX
GRID = np.arange(-14.0, 15.0)  # eight sigma to each side


def star(dx, dy):
    """Give a Gaussian star of unit flux and its slopes along x and y, on the pixels of GRID."""
    x, y = np.meshgrid(GRID - dx, GRID - dy)
    profile = np.exp(-(x**2 + y**2) / (2 * SIGMA_PX**2)) / (2 * np.pi * SIGMA_PX**2)
    return np.array([profile, profile * x / SIGMA_PX**2, profile * y / SIGMA_PX**2])


def noise_for(snr, flux=1.0):
    """Give the noise of a pixel in which a matched filter finds the star at ``snr``."""
    return flux * np.sqrt(np.sum(star(0, 0)[0] ** 2)) / snr


def test_the_error_is_the_least_that_the_pixels_allow():
    # Cramer and Rao: the information of independent pixels on x is sum (f dp/dx)^2 / n^2
    least = noise_for(10.0) / np.sqrt(np.sum(star(0.3, -0.2)[1] ** 2))
    stated = mean_position([place(10, 0, snr=10.0, fwhm=WIDTH_PX)]).error_arcsec
    assert stated == pytest.approx(least, rel=1e-4)


def fitted(pixels):
    """Fit place and flux of a star by least squares (Gauss and Newton), from the middle."""
    at = np.zeros(2)
    for _ in range(5):
        flux, *steps = np.linalg.lstsq(star(*at).reshape(3, -1).T, pixels.ravel())[0]
        at += np.array(steps) / flux
    return at


def test_the_error_is_the_scatter_of_stars_fitted_in_noise():
    rng = np.random.default_rng(3)
    noise = noise_for(30.0)
    fits = [fitted(star(0, 0)[0] + rng.normal(0, noise, (GRID.size,) * 2)) for _ in range(300)]
    stated = mean_position([place(10, 0, snr=30.0, fwhm=WIDTH_PX)]).error_arcsec
    # a standard deviation from 600 draws is known to 1 / sqrt(1200) = 2.9 %; allow 4 of these
    assert np.std(fits) == pytest.approx(stated, rel=0.12)


def test_the_error_falls_with_the_root_of_the_number_of_exposures():
    one = mean_position([place(10, 0)]).error_arcsec
    four = mean_position([place(10, 0) for _ in range(4)]).error_arcsec
    assert four == pytest.approx(one / 2)


def test_one_exposure_against_several_references_is_one_measurement():
    once = mean_position([place(10, 0)])
    thrice = [place(10, 0, exposure="night 1") for _ in range(3)]
    assert mean_position(thrice).error_arcsec == pytest.approx(once.error_arcsec)
    # the three lie at 10.000, the other exposure at 10.001: midway, not a quarter of the way
    assert mean_position([*thrice, place(10.001, 0)]).ra == pytest.approx(10.0005, abs=1e-9)


def test_places_without_signal_to_noise_are_left_out_or_averaged_plainly():
    better = mean_position([place(10.0, 0.0), place(20.0, 0.0, snr=None)])
    assert better.ra == pytest.approx(10.0)
    plain = mean_position([place(10.0, 0.0, snr=None), place(10.002, 0.0, snr=None)])
    assert (plain.ra, plain.error_arcsec) == (pytest.approx(10.001), None)


def test_places_on_opposite_sides_of_the_sky_have_no_mean():
    with pytest.raises(ValueError, match="no common mean"):
        mean_position([place(0, 0), place(180, 0)])
