"""Zero points of exposures whose zero point and colour term were put into them."""

import numpy as np
import pytest

from preprocessing.parameters import PreprocessParameters
from preprocessing.photometry.catalog_columns import Magnitudes
from preprocessing.photometry.magnitudes import System, ZeroPointSource
from preprocessing.photometry.star_catalog import StarCatalog, chosen, read_star_catalog
from preprocessing.photometry.zero_point import from_catalog
from preprocessing.quality.figures import examine
from tests.preprocessing.synthetic import Sky, expose, scatter_stars, tan_wcs
from tests.shared_data import shared

PARAMETERS = PreprocessParameters()
SHAPE = (700, 700)
WCS = tan_wcs(SHAPE)
ZERO, COLOUR_TERM = 27.3, 0.08
MJD = 60000.0


def field(seed=0, count=120, tilt=0.0):
    """Stars of known r and g - r, as a catalogue has them and as the camera sees them."""
    rng = np.random.default_rng(seed)
    sky = scatter_stars(SHAPE, count, rng, flux=(3e3, 2e5), apart=30.0)
    colour = rng.uniform(0.2, 1.4, count)
    gradient = tilt * ((2 * sky.x + 1) / SHAPE[1] - 1) / 2
    r = ZERO - 2.5 * np.log10(sky.flux) + COLOUR_TERM * (colour - 0.8) + gradient
    return sky, catalogue(sky, r + rng.normal(0, 0.01, count), colour)


def catalogue(sky: Sky, r, colour, wcs=WCS) -> StarCatalog:
    ra, dec = wcs.wcs_pix2world(sky.x, sky.y, 0)
    error, nothing = np.full(r.size, 0.01), np.zeros(r.size)
    return StarCatalog(
        name="made",
        ra=ra,
        dec=dec,
        pm_ra=nothing,
        pm_dec=nothing,
        position_error=nothing,
        epoch=None,
        is_variable=nothing.astype(bool),
        bands={
            "r": Magnitudes(r, error, "AB"),
            "g": Magnitudes(r + colour, error, "AB"),
        },
    )


def calibrated(frame, catalog, band="r", min_stars=5):
    seen = examine(frame, PARAMETERS)
    return from_catalog(
        seen.frame, seen.stars, seen.growth, catalog, filter_band=band, mjd=MJD, min_stars=min_stars
    )


@pytest.mark.parametrize("fwhm", [2.5, 4.0])
def test_zero_point_and_colour_term_are_those_that_were_put_in(fwhm):
    sky, catalog = field()
    found = calibrated(expose(sky, SHAPE, wcs=WCS, fwhm=fwhm), catalog)
    at_pivot = ZERO + COLOUR_TERM * (found.pivot - 0.8)
    # 0.02 mag of error per star over the root of 100 stars; 0.3 % of the light lies outside
    assert found.zero_point.value == pytest.approx(at_pivot, abs=0.01)
    assert found.zero_point.error < 0.005
    assert found.colour == "g-r"
    assert found.colour_term == pytest.approx(COLOUR_TERM, abs=4 * found.colour_term_error)
    assert found.colour_term_error < 0.015
    assert found.rms < 0.04
    assert found.n_stars > 90
    assert (found.zero_point.source, found.zero_point.system) == (
        ZeroPointSource.CATALOGUE, System.AB,
    )  # fmt: skip


def test_variable_blended_and_wrong_stars_do_not_move_it():
    sky, catalog = field(1)
    frame = expose(sky, SHAPE, wcs=WCS)
    clean = calibrated(frame, catalog)
    wrong = np.random.default_rng(2).choice(sky.x.size, 20, replace=False)
    r = catalog.bands["r"].value.copy()
    r[wrong] -= np.random.default_rng(3).uniform(0.2, 2.0, wrong.size)  # all to one side
    bands = {**catalog.bands, "r": Magnitudes(r, catalog.bands["r"].error, "AB")}
    spoiled = calibrated(frame, StarCatalog(**(vars(catalog) | {"bands": bands})))
    assert spoiled.n_clipped >= 16
    # the few that are wrong by less than 3 sigma, all to one side, stay
    assert spoiled.zero_point.value == pytest.approx(clean.zero_point.value, abs=0.012)
    variable = np.isin(np.arange(sky.x.size), wrong)
    told = StarCatalog(**(vars(catalog) | {"bands": bands, "is_variable": variable}))
    assert calibrated(frame, told).n_clipped < 6


def test_a_gradient_over_the_frame_is_measured():
    sky, catalog = field(4, tilt=0.2)
    found = calibrated(expose(sky, SHAPE, wcs=WCS), catalog)
    assert found.gradient == pytest.approx(0.2, abs=4 * found.gradient_error)
    sky, catalog = field(4)
    even = calibrated(expose(sky, SHAPE, wcs=WCS), catalog)
    assert even.gradient < 4 * even.gradient_error


def test_a_pointing_error_of_two_fwhm_is_taken_out():
    sky, catalog = field(5)
    off = tan_wcs(SHAPE, shift=(4.0, -4.0))
    found = calibrated(expose(sky, SHAPE, wcs=off), catalog)
    assert found.n_stars > 80


def test_without_colours_there_is_no_colour_term():
    sky, catalog = field(6)
    only_r = StarCatalog(**(vars(catalog) | {"bands": {"r": catalog.bands["r"]}}))
    found = calibrated(expose(sky, SHAPE, wcs=WCS), only_r)
    assert (found.colour, found.colour_term) == ("", None)
    # the mean colour is known to 0.35 / sqrt(120) mag, times the term
    assert found.zero_point.value == pytest.approx(ZERO, abs=0.012)


@pytest.mark.parametrize(
    ("band", "keep", "words"),
    [("z", 120, "no magnitudes in filter 'z'"), ("r", 4, "of .* in the frame., 5 are needed"),
     ("r", 0, "0 stars of the frame are in star catalogue made")],
)  # fmt: skip
def test_too_few_known_stars_are_refused_in_words(band, keep, words):
    sky, catalog = field(7)
    few = chosen(catalog, np.arange(keep))
    with pytest.raises(ValueError, match=words):
        calibrated(expose(sky, SHAPE, wcs=WCS), few, band=band)


def test_refcat_and_apass_agree_on_the_zero_point_of_one_sky():
    """Two real catalogues of one field; the exposure of RefCat's stars is simulated."""
    refcat = read_star_catalog(shared("catalogs/stellarphot_eyuma/all_refcat2_ey_uma.ecsv"))
    apass = read_star_catalog(shared("catalogs/stellarphot_eyuma/all_apass_ey_uma.ecsv"))
    shape = (1500, 1500)
    wcs = tan_wcs(shape, centre=(135.5509, 49.8429), scale=0.8)
    r = refcat.magnitudes("r").value
    x, y = wcs.all_world2pix(*refcat.at(MJD), 0)
    light = 10 ** (-0.4 * (r - 26.0))
    inside = (x > 20) & (y > 20) & (x < 1480) & (y < 1480) & np.isfinite(light) & (light < 1e6)
    frame = expose(Sky(x[inside], y[inside], light[inside]), shape, wcs=wcs)
    own, other = (calibrated(frame, catalog) for catalog in (refcat, apass))
    # the catalogue that it was made from, whatever the colour
    assert own.zero_point.value == pytest.approx(26.0, abs=0.01)
    assert own.colour_term == pytest.approx(0, abs=0.02)
    # RefCat2 is on the scale of Pan-STARRS, APASS on that of SDSS: r differs by < 0.02 mag, and
    # APASS's zero points scatter by 0.03 mag from field to field (Henden et al. 2016)
    assert other.zero_point.value == pytest.approx(26.0, abs=0.06)
    assert other.rms < 0.12
