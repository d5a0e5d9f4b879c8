"""What a finder chart shows: places, offsets and the choice of offset stars."""

import io

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.wcs import WCS

from detection import finder
from preprocessing.calibrated import CalibratedFrame
from preprocessing.photometry.magnitudes import System, ZeroPoint, ZeroPointSource
from preprocessing.photometry.star_catalog import read_star_catalog

RA, DEC, SCALE = 210.0, 54.0, 0.5


@pytest.fixture
def frame():
    """Three stars of 5000, 2000 and 500 ADU at known places, on sky of 1 ADU noise."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix = [RA, DEC], [150.5, 150.5]
    wcs.wcs.cdelt = [-SCALE / 3600, SCALE / 3600]
    y, x = np.mgrid[:300, :300]
    pixels = np.random.default_rng(8).normal(0, 1, (300, 300))
    for column, row, flux in ((190, 150, 5000), (100, 200, 2000), (150, 60, 500)):
        pixels += flux / (2 * np.pi * 4) * np.exp(-((x - column) ** 2 + (y - row) ** 2) / 8)
    zero_point = ZeroPoint(25.0, 0.01, ZeroPointSource.CATALOGUE, System.AB, "r")
    return CalibratedFrame(
        pixels.astype(np.float32), np.ones_like(pixels, np.float32),
        np.zeros(pixels.shape, np.uint16), wcs, gain=2.0, saturation=np.inf,
        zero_point=zero_point,
    )  # fmt: skip


def test_sources_of_a_frame_stand_where_they_were_put_brightest_first(frame):
    stars = finder.stars_of_frame(frame, RA, DEC, radius_arcsec=60, scale=SCALE)[:3]
    # columns fall to the east: (149.5 - x) * 0.5 arcsec; a centroid of S/N > 30 is good to 0.1 px
    places = [(star.east, star.north) for star in stars]
    wanted = [(-20.25, 0.25), (24.75, 25.25), (-0.25, -44.75)]
    np.testing.assert_allclose(places, wanted, atol=0.1)
    # the light below the threshold's contour is lost: a few per cent of the bright, more of others
    assert stars[0].magnitude == pytest.approx(25 - 2.5 * np.log10(5000), abs=0.1)
    assert stars[0].is_point


def test_a_place_outside_the_frame_has_no_sources(frame):
    assert finder.stars_of_frame(frame, RA, DEC + 1, radius_arcsec=60, scale=SCALE) == []
    assert finder.stars_of_frame(frame, RA + 180, -DEC, radius_arcsec=60, scale=SCALE) == []


def catalog_of(**columns):
    table = Table({"ra": [0.001, 359.999, 0.5], "dec": [70.0, 70.0, 70.0], **columns})
    text = io.StringIO()
    table.write(text, format="ascii.ecsv")
    return read_star_catalog(text.getvalue().encode())


def test_stars_of_a_catalogue_are_found_across_ra_zero_and_high_in_the_north():
    catalog = catalog_of(r=[15.0, 14.0, 10.0])
    stars = finder.stars_of_catalog(catalog, 0.0, 70.0, radius_arcsec=60, band="r", mjd=60000.0)
    assert [star.magnitude for star in stars] == [14.0, 15.0]
    step = 3.6 * np.cos(np.radians(70))  # arcsec of 0.001 degrees of right ascension
    assert [star.east for star in stars] == pytest.approx([-step, step], abs=1e-4)


def test_a_catalogue_without_the_band_still_shows_its_stars():
    catalog = catalog_of(g=[15.0, 14.0, 10.0])
    stars = finder.stars_of_catalog(catalog, 0.0, 70.0, radius_arcsec=60, band="z", mjd=60000.0)
    assert [star.magnitude for star in stars] == [None, None]


def test_offsets_lead_back_to_the_place():
    rng = np.random.default_rng(2)
    ra, dec = RA + rng.uniform(-0.02, 0.02, 20), DEC + rng.uniform(-0.01, 0.01, 20)
    east, north = finder.offsets(RA, DEC, ra, dec)
    apart = SkyCoord(RA, DEC, unit="deg").separation(SkyCoord(ra, dec, unit="deg")).arcsec
    # great circles against the plane: (d^3 / 6) of an arc of 60 arcsec is below a microarcsec
    np.testing.assert_allclose(np.hypot(east, north), apart, rtol=1e-6)


def test_offset_stars_are_bright_points_inside_the_chart_and_not_the_target():
    def star(east, magnitude, is_point=True):
        return finder.Star(RA, DEC, east, 0.0, magnitude, is_point)

    stars = [star(1, 10), star(20, 12, False), star(30, 13), star(90, 14), star(-40, None)]
    stars += [star(50, 15), star(-10, 16)]
    chosen = finder.offset_stars(stars, 2, 60.0)
    assert [each.magnitude for each in chosen] == [13, 15]
