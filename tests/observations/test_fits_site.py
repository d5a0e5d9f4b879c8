"""Camera, observatory and longitude as headers state them."""

import pytest
from astropy.io import fits

from observations.fits_blocks import Hdu
from observations.fits_header import Cards
from observations.fits_site import night_of, site_of

# 2018-08-04 04:27 UTC is half past midnight local time at longitude -70.8, at 70.8 it is 9:10.
MJD = 58334.185


@pytest.fixture
def site():
    def read(mjd=MJD, default=None, **values):
        header = fits.Header()
        header.update({key.replace("_", "-"): value for key, value in values.items()})
        return site_of(Cards(Hdu("night.fits", 0, header, 0, 0, 0), header), mjd, default)

    return read


def test_a_header_names_camera_and_observatory(site):
    found = site(INSTRUME="DECam ", OBSERVAT="CTIO")
    assert (found.instrument, found.name, found.longitude) == ("DECam", "CTIO", None)
    assert site(CAMERA="ZWO 1600", default="Sinistro").instrument == "ZWO 1600"
    assert site(default="Sinistro").instrument == "Sinistro"
    assert site().instrument == ""


@pytest.mark.parametrize("longitude", [70.81489, -70.81489, "70:48:53.6", "-70 48 53.6"])
def test_the_sign_of_a_longitude_is_that_of_night(site, longitude):
    assert site(OBS_LONG=longitude).longitude == pytest.approx(-70.81489, abs=1e-5)


def test_longitudes_with_a_standard_sign_are_taken_as_they_are(site):
    assert site(OBSGEO_L=289.18511).longitude == pytest.approx(-70.81489)
    # CTIO, metres from the centre of the Earth
    found = site(OBSGEO_X=1814304.7, OBSGEO_Y=-5214365.7, OBSGEO_Z=-3187340.6)
    assert found.longitude == pytest.approx(-70.815, abs=0.001)


@pytest.mark.parametrize("value", ["W 70", "", 4000.0, True])
def test_a_longitude_that_cannot_be_read_is_none(site, value):
    assert site(SITELONG=value).longitude is None


def test_a_night_lasts_from_local_noon_to_local_noon():
    # at longitude -70.8 noon is at 16:43 UTC, 0.697 of a day
    evening, morning, next_evening = 58333.75, 58334.35, 58334.75
    assert night_of(evening, -70.8) == night_of(morning, -70.8)
    assert night_of(morning, -70.8) != night_of(next_evening, -70.8)
    # in Hawaii both parts of a night share a UTC date, in Australia they don't
    assert night_of(58334.2, -155.5) == night_of(58334.6, -155.5)
    assert night_of(58333.4, 149.1) == night_of(58333.8, 149.1)
