import json
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from django.core.management import CommandError, call_command

from observations.fits import ReadOptions
from preprocessing.astrometry.sip_fit import icrs
from preprocessing.calibrated import to_fits
from preprocessing.exposure import read_exposure
from preprocessing.parameters import PreprocessParameters
from tests.preprocessing.synthetic import SCALE_ARCSEC, expose, scatter_stars, tan_wcs

SHAPE = (360, 400)
SHIFT_PX = 5.0


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A frame whose header is off by 5 px in declination, and a catalogue of its stars."""
    folder = tmp_path_factory.mktemp("night")
    stars, true = scatter_stars(SHAPE, 60, np.random.default_rng(3)), tan_wcs(SHAPE)
    header = tan_wcs(SHAPE, shift=(0.0, SHIFT_PX)).to_header()
    header.update({"GAIN": 2.0, "RDNOISE": 5.0, "SATURATE": 60000.0, "EXPTIME": 60.0})
    header.update({"FILTER": "r", "DATE-OBS": "2020-01-01T00:00:00"})
    pixels = expose(stars, SHAPE, wcs=true).pixels + 300.0
    fits.writeto(folder / "frame.fits", pixels, header)
    sky = icrs(true, np.column_stack([stars.x, stars.y]))
    table = Table({"ra": sky[:, 0], "dec": sky[:, 1], "r": 25 - 2.5 * np.log10(stars.flux)})
    table.write(folder / "stars.ecsv")
    table["dec"] += 30.0
    table.write(folder / "elsewhere.ecsv")
    return folder


def run(files, catalog="stars.ecsv", *options):
    out = StringIO()
    paths = str(files / "frame.fits"), "--catalog", str(files / catalog)
    call_command("check_astrometry", *paths, *options, stdout=out)
    return out.getvalue()


def test_the_figures_are_printed_as_one_json_object(files):
    found = json.loads(run(files, "stars.ecsv", "--json"))
    assert found["is_refined"] is True
    assert found["n_stars"] > 50
    assert found["before"]["dec_arcsec"] == pytest.approx(SHIFT_PX * SCALE_ARCSEC, abs=0.01)
    # stars of S/N 30 to 1000 at 3 px: 0.01 to 0.05 px, of 0.4 arcsec
    assert found["after"]["dec_arcsec"] < 0.02


def test_the_better_solution_is_written_as_a_header(files, tmp_path):
    path = tmp_path / "frame.head"
    text = run(files, "stars.ecsv", "--header", str(path))
    assert "refined by a polynomial of order" in text
    middle = np.array([[SHAPE[1] / 2, SHAPE[0] / 2]])
    better = WCS(fits.Header.fromtextfile(path))
    miss = np.abs(icrs(better, middle) - icrs(tan_wcs(SHAPE), middle)).max() * 3600 / SCALE_ARCSEC
    # 0.03 px a star and 50 of them
    assert miss < 0.02


def test_a_catalogue_of_another_field_is_refused_in_a_sentence(files):
    with pytest.raises(CommandError, match=r"elsewhere\.ecsv has no star within 0\.0\d+ deg"):
        run(files, "elsewhere.ecsv")


def test_a_calibrated_product_is_taken_as_it_is(files, tmp_path):
    exposure = read_exposure(files / "frame.fits", ReadOptions(), PreprocessParameters())
    header = fits.Header({"DATE-OBS": "2020-01-01T00:00:00"})
    path = tmp_path / "frame.fits"
    path.write_bytes(to_fits(exposure.frame, header))
    out = StringIO()
    catalog = str(files / "stars.ecsv")
    call_command("check_astrometry", str(path), "--catalog", catalog, "--json", stdout=out)
    assert json.loads(out.getvalue()) == json.loads(run(files, "stars.ecsv", "--json"))


def test_a_product_without_a_wcs_has_no_astrometry_to_check(files, tmp_path):
    exposure = read_exposure(files / "frame.fits", ReadOptions(), PreprocessParameters())
    path = tmp_path / "frame.fits"
    path.write_bytes(to_fits(replace(exposure.frame, wcs=WCS(naxis=2))))
    with pytest.raises(CommandError, match="CTYPE1: names no axis of the sky"):
        call_command("check_astrometry", str(path), "--catalog", str(files / "stars.ecsv"))
