from dataclasses import replace

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import fit_wcs_from_points
from hypothesis import given, settings
from hypothesis import strategies as st

from observations.fits_blocks import quiet_astropy
from preprocessing.astrometry.catalog_check import check_astrometry
from preprocessing.astrometry.catalog_pairs import Spots
from preprocessing.astrometry.sip_fit import as_sip, fit_sky, icrs, pixel_grid
from preprocessing.parameters import PreprocessParameters
from preprocessing.photometry.catalog_columns import Magnitudes
from preprocessing.photometry.star_catalog import StarCatalog, read_star_catalog
from tests.preprocessing.synthetic import SCALE_ARCSEC, sip_wcs, tan_wcs
from tests.shared_data import shared

SHAPE = (1000, 1200)
CENTROID_PX = 0.02
EPOCH, MJD = 2016.0, 57388.0
PARAMETERS = PreprocessParameters()


def field(true, count=80, *, seed=1, lost=0.2, alien=0.2):
    """Stars of a frame and of a catalogue: not all of either are in both."""
    rng = np.random.default_rng(seed)
    size = np.array([SHAPE[1], SHAPE[0]])
    places = rng.uniform(0, 1, (count, 2)) * size
    sky = icrs(true, places)
    seen = rng.random(count) > lost
    strangers = rng.uniform(0, 1, (int(alien * count), 2)) * size
    pixels = np.concatenate([places[seen] + rng.normal(0, CENTROID_PX, (seen.sum(), 2)), strangers])
    order = rng.permutation(len(pixels))
    return Spots(pixels[order], np.full(len(pixels), CENTROID_PX)), catalog_of(sky)


def catalog_of(sky, **changes):
    """A catalogue of stars at these degrees, at the date of the exposure."""
    zero = np.zeros(len(sky))
    magnitudes = Magnitudes(np.linspace(12, 18, len(sky)), zero, "Vega")
    made = StarCatalog(
        name="stars.ecsv", ra=sky[:, 0], dec=sky[:, 1], pm_ra=zero, pm_dec=zero,
        position_error=zero, epoch=EPOCH, is_variable=zero > 0, bands={"G": magnitudes},
    )  # fmt: skip
    return replace(made, **changes)


def check(spots, wcs, catalog, **changes):
    return check_astrometry(spots, wcs, SHAPE, catalog, MJD, replace(PARAMETERS, **changes))


def miss_px(wcs, true):
    """Rms over the frame of the distance between two solutions, px."""
    places = pixel_grid(SHAPE)
    here = SkyCoord(*icrs(wcs, places).T, unit="deg")
    there = SkyCoord(*icrs(true, places).T, unit="deg")
    return np.sqrt(np.mean(here.separation(there).arcsec ** 2)) / SCALE_ARCSEC


@settings(max_examples=12, deadline=None)
@given(
    centre=st.tuples(st.floats(0, 359.99), st.floats(-88, 88)),
    turn=st.floats(-180, 180),
    dx=st.floats(-35, 35),
    dy=st.floats(-35, 35),
    wrong_turn=st.floats(-0.5, 0.5),
    wrong_scale=st.floats(0.99, 1.01),
)
def test_a_rough_solution_is_replaced_by_the_true_one(
    centre, turn, dx, dy, wrong_turn, wrong_scale
):
    true = sip_wcs(SHAPE, strength=1e-8, centre=centre, rotation_deg=turn)
    rough = tan_wcs(
        SHAPE, centre=centre, rotation_deg=turn + wrong_turn, shift=(dx, dy),
        scale=SCALE_ARCSEC * wrong_scale,
    )  # fmt: skip
    spots, catalog = field(true)
    found = check(spots, rough, catalog)
    assert found.is_refined
    assert found.n_stars >= 55
    # 64 stars of 0.02 px an axis hold 10 terms: 0.02 * sqrt(2 * 10 / 64) = 0.011 px, the mean over
    # the frame; in its corners, with a grid that ends there, twice that
    assert miss_px(found.wcs, true) < 0.03
    # a standard error of 0.02 px of 64 stars is 9 %, and one term in six is fitted away
    assert found.after.rms_arcsec == pytest.approx(CENTROID_PX * SCALE_ARCSEC, rel=0.35)
    assert found.held_out.rms_arcsec < found.before.rms_arcsec


def test_a_right_solution_is_left_as_it_is():
    true = sip_wcs(SHAPE, strength=1e-8)
    spots, catalog = field(true)
    found = check(spots, true, catalog)
    assert not found.is_refined
    assert found.wcs is true
    assert found.order == -1
    assert found.after == found.before == found.held_out
    assert found.before.rms_arcsec == pytest.approx(CENTROID_PX * SCALE_ARCSEC, rel=0.3)
    assert found.expected.rms_arcsec == pytest.approx(CENTROID_PX * SCALE_ARCSEC, rel=1e-6)


def test_the_residual_before_is_that_of_the_header():
    true = tan_wcs(SHAPE)
    shifted = tan_wcs(SHAPE, shift=(0.0, 0.3))
    spots, catalog = field(true)
    found = check(spots, shifted, catalog)
    # north is up: 0.3 px of 0.4 arcsec, and the scatter of the stars
    assert found.before.dec_arcsec == pytest.approx(0.12, abs=0.004)
    assert found.before.ra_arcsec == pytest.approx(CENTROID_PX * SCALE_ARCSEC, rel=0.35)
    assert found.after.dec_arcsec == pytest.approx(CENTROID_PX * SCALE_ARCSEC, rel=0.35)


def test_stars_are_moved_to_the_date_of_the_exposure():
    true = tan_wcs(SHAPE)
    spots, catalog = field(true)
    rng = np.random.default_rng(3)
    motion = rng.normal(0, 100.0, (2, len(catalog)))
    old = catalog.dec - 10 * motion[1] / 3.6e6
    back = replace(
        catalog,
        epoch=EPOCH - 10,
        ra=catalog.ra - 10 * motion[0] / 3.6e6 / np.cos(np.radians(catalog.dec)),
        dec=old, pm_ra=motion[0], pm_dec=motion[1],
    )  # fmt: skip
    # ten years of 100 mas are 2.5 px of scatter if they are left out; 1e-4 is the curvature
    assert check(spots, true, back).before.rms_arcsec < 1.3 * CENTROID_PX * SCALE_ARCSEC
    still = replace(back, pm_ra=motion[0] * 0, pm_dec=motion[1] * 0)
    with pytest.raises(ValueError, match=r"is off the catalogue by|star patterns do not match"):
        check(spots, true, still)


def test_a_solution_that_is_turned_and_far_off_is_found_by_patterns():
    true = tan_wcs(SHAPE)
    spots, catalog = field(true, 60)
    turned = tan_wcs(SHAPE, rotation_deg=170.0, shift=(80.0, -40.0))
    found = check(spots, turned, catalog)
    assert miss_px(found.wcs, true) < 0.03


def test_a_catalogue_elsewhere_is_refused():
    spots, catalog = field(tan_wcs(SHAPE))
    with pytest.raises(ValueError, match=r"no star within .* \(the nearest is 19\.\d deg away\)"):
        check(spots, tan_wcs(SHAPE, centre=(170.0, 2.0)), catalog)


def test_the_stars_of_another_field_are_refused():
    spots, _ = field(tan_wcs(SHAPE))
    _, other = field(tan_wcs(SHAPE), seed=2)
    with pytest.raises(ValueError, match="star patterns do not match"):
        check(spots, tan_wcs(SHAPE), other)


def test_a_solution_that_no_polynomial_mends_is_refused():
    true = tan_wcs(SHAPE)
    spots, catalog = field(true, 400)
    ripple = spots.pixels + 0.7 * np.sin(spots.pixels[:, ::-1] / 6)
    with pytest.raises(ValueError, match=r"arcsec rms per axis over \d+ stars.* \(0\.2 px\)"):
        check(replace(spots, pixels=ripple), true, catalog, max_residual_px=0.2)


def test_a_fit_agrees_with_that_of_astropy():
    true = sip_wcs(SHAPE, strength=1e-8, rotation_deg=20.0)
    places = np.random.default_rng(4).uniform(0, 1, (150, 2)) * [SHAPE[1], SHAPE[0]]
    sky = icrs(true, places)
    found = fit_sky(places, sky, np.full(150, 1e-3), tan_wcs(SHAPE, rotation_deg=19.9), SHAPE)
    theirs = fit_wcs_from_points(
        (places[:, 0], places[:, 1]), SkyCoord(*sky.T, unit="deg"), sip_degree=3
    )
    # without noise both are exact; theirs stops at the tolerance of a non-linear search
    assert miss_px(found.wcs, true) < 1e-5
    assert miss_px(theirs, true) < 1e-2


def test_the_inverse_polynomial_leads_back():
    true = sip_wcs(SHAPE, strength=1e-8)
    places = np.random.default_rng(5).uniform(0, 1, (100, 2)) * [SHAPE[1], SHAPE[0]]
    found = fit_sky(places, icrs(true, places), np.full(100, 1e-3), tan_wcs(SHAPE), SHAPE).wcs
    grid = pixel_grid(SHAPE)
    # 3 px of distortion in the corners, undone by a polynomial of two orders more
    assert np.abs(found.sip_foc2pix(found.sip_pix2foc(grid, 0), 0) - grid).max() < 0.01
    again = WCS(found.to_header(relax=True))
    assert miss_px(again, found) < 1e-9


@pytest.mark.parametrize("frame", ["FK5", "galactic"])
def test_a_solution_in_another_frame_of_reference_becomes_one_in_icrs(frame):
    wcs = tan_wcs(SHAPE)
    if frame == "FK5":
        wcs.wcs.radesys = "FK5"
    else:
        wcs.wcs.ctype, wcs.wcs.radesys = ["GLON-TAN", "GLAT-TAN"], ""
    wcs.wcs.set()
    # SIP of order 5 against a projection about another point of the sky: rounding is left
    assert miss_px(as_sip(wcs, SHAPE), wcs) < 1e-4


def test_a_distortion_that_no_polynomial_follows_is_refused():
    fisheye = WCS(naxis=2)
    fisheye.wcs.ctype = ["RA---ARC", "DEC--ARC"]
    fisheye.wcs.crval, fisheye.wcs.crpix = [10.0, 60.0], [600.5, 500.5]
    fisheye.wcs.cdelt = [-0.11, 0.11]
    with pytest.raises(ValueError, match=r"no polynomial of order 5 follows .* px is allowed"):
        as_sip(fisheye, SHAPE)


@pytest.mark.parametrize("ccd", ["0", "28", "42", "60", "79", "101"])
def test_the_stars_of_a_hyper_suprime_cam_ccd_fit_gaia_to_30_mas(ccd):
    catalog = read_star_catalog(shared("catalogs/hsc1180_gaia/gaia_refCat.parquet"))
    with fits.open(shared(f"catalogs/hsc1180_gaia/1180_{ccd}.fits")) as units:
        header, stars = units[0].header, units[1].data
        order = np.argsort(stars["xErr"])
        pixels = np.column_stack([stars["x"], stars["y"]])[order].astype(float)
        error = np.hypot(stars["xErr"], stars["yErr"])[order].astype(float) / np.sqrt(2)
    with quiet_astropy():
        wcs = WCS(header)
    found = check_astrometry(
        Spots(pixels, error), wcs, (4176, 2048), catalog, header["MJD"], PARAMETERS
    )
    # the camera's "rough estimation" is off by 0.13 to 1.4 arcsec; Gaia and centroids allow 2 mas,
    # the air 5 to 20 mas in 270 s
    assert found.before.rms_arcsec > 0.1
    assert max(found.after.ra_arcsec, found.after.dec_arcsec) < 0.030
    assert found.n_stars >= 8
