import numpy as np
import pytest
from astropy.wcs import WCS

from detection.orientation import sky_directions


def wcs_turned(degrees, *, dec=20.0, is_mirrored=False):
    """Make a WCS whose north is turned from +y towards -x; east is left unless mirrored."""
    turn, scale = np.radians(degrees), 0.25 / 3600
    flip = 1.0 if is_mirrored else -1.0
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = "RA---TAN", "DEC--TAN"
    wcs.wcs.crval, wcs.wcs.crpix = (150.0, dec), (100.5, 100.5)
    wcs.wcs.cd = scale * np.array(
        [[flip * np.cos(turn), flip * np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
    )
    return wcs


@pytest.mark.parametrize("degrees", [0.0, 30.0, 135.0, -90.0])
@pytest.mark.parametrize("is_mirrored", [False, True])
def test_north_and_east_point_where_the_wcs_was_turned(degrees, is_mirrored):
    north, east = sky_directions(wcs_turned(degrees, is_mirrored=is_mirrored), [150.0], [20.0])
    turn = np.radians(degrees)
    # the inverse of a rotation by this angle, written out
    wanted = np.array([-np.sin(turn), np.cos(turn)])
    side = 1.0 if is_mirrored else -1.0
    # 1e-4: the curvature of the sky over one arcsecond
    np.testing.assert_allclose(north[0], wanted, atol=1e-4)
    np.testing.assert_allclose(east[0], side * np.array([np.cos(turn), np.sin(turn)]), atol=1e-4)


def test_north_beside_the_pole_points_to_the_pole():
    wcs = wcs_turned(0.0, dec=90.0)
    # half an arcsecond from the pole, at the side where x grows
    ra, dec = (float(v) for v in wcs.all_pix2world(101.5, 99.5, 0))
    north, _ = sky_directions(wcs, [ra], [dec])
    np.testing.assert_allclose(north[0], [-1.0, 0.0], atol=1e-3)


def test_no_detections_have_no_directions():
    north, east = sky_directions(wcs_turned(0.0), [], [])
    assert north.shape == east.shape == (0, 2)
