"""Fluxes, magnitudes and limits follow Pogson's and Oke's definitions."""

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.photometry.header_zero_point import from_header, read_cards, write_cards
from preprocessing.photometry.magnitudes import (
    System,
    ZeroPoint,
    ZeroPointSource,
    instrumental,
    limiting_magnitude,
    magnitudes,
    measures,
    microjansky,
)

AB = ZeroPoint(25.0, 0.02, ZeroPointSource.CATALOGUE, System.AB, "r")
VEGA = ZeroPoint(25.0, None, ZeroPointSource.CATALOGUE, System.VEGA, "V")


def test_a_hundred_times_the_light_is_five_magnitudes():
    assert magnitudes([1.0, 100.0], AB).tolist() == pytest.approx([25.0, 20.0])


def test_a_source_has_a_magnitude_or_a_limit_and_never_both():
    found = measures([100.0, 29.0, -200.0, 0.0], [10.0, 10.0, 10.0, 10.0], AB)
    assert np.isfinite(found.magnitude).tolist() == [True, False, False, False]
    assert np.isfinite(found.upper_limit).tolist() == [False, True, True, True]
    # 25 - 2.5 log10(100); 1.0857 / 10 and the zero point's 0.02 in quadrature; five times 10 ADU
    assert found.magnitude[0] == pytest.approx(20.0)
    assert found.magnitude_error[0] == pytest.approx(np.hypot(0.10857, 0.02), rel=1e-4)
    assert found.upper_limit[1:] == pytest.approx(25 - 2.5 * np.log10(50))


def test_without_an_error_there_is_no_limit():
    found = measures([100.0, 1.0], [0.0, np.nan], AB)
    assert np.isnan(found.upper_limit).all()


@given(
    flux=st.floats(-1e6, 1e6), error=st.floats(1e-3, 1e5), factor=st.floats(1e-3, 1e3)
)  # fmt: skip
def test_the_unit_of_pixels_changes_no_magnitude(flux, error, factor):
    scaled = ZeroPoint(25 + 2.5 * np.log10(factor), 0.02, AB.source, AB.system, "r")
    if abs(flux / error - 3) < 1e-9:
        return  # on the edge between magnitude and limit
    one, other = measures(flux, error, AB), measures(flux * factor, error * factor, scaled)
    for name in ("magnitude", "magnitude_error", "upper_limit"):
        # Pogson's logarithm of numbers up to 1e9 keeps 1e-9 mag
        assert np.allclose(getattr(one, name), getattr(other, name), atol=1e-8, equal_nan=True)


def test_microjanskys_of_ab_magnitudes_are_those_of_astropy():
    expected = (20.0 * u.ABmag).to_value(u.uJy)
    assert microjansky(100.0, AB) == pytest.approx(expected, rel=1e-3)
    assert microjansky(-100.0, AB) == pytest.approx(-expected, rel=1e-3)


def test_vega_has_3600_jansky_in_v():
    # 3636 Jy (Bessell 1979) and 3562 Jy with V_AB = V + 0.02
    assert microjansky(1.0, ZeroPoint(0.0, None, VEGA.source, VEGA.system, "V")) == pytest.approx(
        3.6e9, rel=0.015
    )


@pytest.mark.parametrize(
    ("zero_point", "words"),
    [(instrumental(60.0), "instrumental: calibrate the frame"),
     (ZeroPoint(25.0, None, VEGA.source, VEGA.system, "clear"), "Vega in band 'clear'")],
)  # fmt: skip
def test_fluxes_of_unknown_scale_are_refused_in_microjansky(zero_point, words):
    with pytest.raises(ValueError, match=words):
        microjansky(1.0, zero_point)


def test_an_instrumental_magnitude_is_of_adu_per_second():
    # 6000 ADU in 60 s: 100 per second
    assert magnitudes(6000.0, instrumental(60.0)) == pytest.approx(-5.0)
    with pytest.raises(ValueError, match="exposure is 0"):
        instrumental(0)


def test_limits_are_five_times_the_error():
    assert limiting_magnitude(20.0, AB) == pytest.approx(20.0)


def header(**cards):
    made = fits.Header()
    for keyword, value in cards.items():
        made[keyword] = value
    return made


def stated(made, exposure=100.0, band="r"):
    return from_header(made, exposure_s=exposure, band=band)


def test_a_header_states_the_zero_point_of_its_exposure():
    found = stated(header(MAGZP=26.3, MAGZPUNC=0.01))
    assert found == ZeroPoint(26.3, 0.01, ZeroPointSource.HEADER, System.AB, "r")
    assert stated(header(PHOTZP=24.0), band="V").system == System.VEGA
    assert stated(header(MAGZERO=24.0, MAGSYS="AB"), band="V").system == System.AB
    assert stated(header(EXPTIME=60)) is None


@pytest.mark.parametrize(
    "comment", ["mag for 1 ADU/s", "[mag] 1 count per second", "zero point, 1s exposure"]
)
def test_a_zero_point_of_one_second_is_turned_into_that_of_the_exposure(comment):
    assert stated(header(ZPT=(25.0, comment))).value == pytest.approx(30.0)
    # unless the pixels are per second themselves
    assert stated(header(ZPT=(25.0, comment), BUNIT="adu/s")).value == 25.0


def test_pixels_in_units_of_flux_need_no_keyword():
    assert stated(header(BUNIT="nanomaggy")).value == 22.5
    # 1 uJy is 23.9 mag
    assert stated(header(BUNIT="uJy")).value == pytest.approx(u.uJy.to(u.ABmag), abs=0.01)


@pytest.mark.parametrize("value", [0.0, -99.0, 99.0, "unknown"])
def test_a_number_that_is_no_zero_point_is_refused(value):
    with pytest.raises(ValueError, match=r"MAGZP is .*between 5 and 45"):
        stated(header(MAGZP=value))


@pytest.mark.parametrize("zero_point", [AB, VEGA, instrumental(30.0, "r")])
def test_a_zero_point_survives_a_header(zero_point):
    made = fits.Header()
    write_cards(made, zero_point)
    assert read_cards(made) == zero_point


def test_a_header_without_a_zero_point_gives_none():
    made = fits.Header()
    write_cards(made, None)
    assert not made
    assert read_cards(made) is None
