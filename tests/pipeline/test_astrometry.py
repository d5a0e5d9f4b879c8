"""A WCS is checked against the survey's catalogue; runs keep how frames were registered."""

import numpy as np
import pytest

from astrid.core import store
from observations.fits import read_frame
from preprocessing.calibrated import from_fits
from preprocessing.models import PreprocessRun
from tests.pipeline.test_poor_frames import as_catalogue
from tests.pipeline.work import the, work

pytestmark = pytest.mark.django_db
SHIFT_ARCSEC = 2.0


@pytest.fixture
def shifted(camera, reference):
    """A survey whose catalogue has all stars 2 arcsec further north than the frame says."""

    def arrive(shift_arcsec=SHIFT_ARCSEC):
        rules = camera.folder / "astrid.toml"
        rules.write_text('star_catalog = "stars.csv"\n' + rules.read_text())
        head, *lines = as_catalogue(reference, zero_point=26.5).splitlines()
        rows = [line.split(",") for line in lines]
        moved = [f"{a},{float(d) + shift_arcsec / 3600:.7f},{m}" for a, d, m in rows]
        (camera.folder / "stars.csv").write_text("\n".join([head, *moved]))
        camera(reference)
        assert not work().failed
        return PreprocessRun.objects.get()

    return arrive


def test_a_wcs_that_is_off_the_catalogue_is_replaced(shifted, reference):
    run = shifted()
    figures = run.figures["astrometry"]
    assert figures["is_refined"]
    assert figures["before"]["dec_arcsec"] == pytest.approx(SHIFT_ARCSEC, abs=0.05)
    assert figures["after"]["dec_arcsec"] < 0.1
    raw = read_frame(reference)
    product = from_fits(store.get(run.processed_fits_path))
    middle = [[raw.width / 2, raw.height / 2]]
    moved = (product.wcs.all_pix2world(middle, 0) - raw.wcs.all_pix2world(middle, 0))[0] * 3600
    # ten stars and more at 0.05 px of 0.4 arcsec
    assert moved == pytest.approx([0.0, SHIFT_ARCSEC], abs=0.05)


def test_a_catalogue_of_another_field_checks_nothing_and_says_so(shifted):
    run = shifted(shift_arcsec=3600.0)
    assert "has no star within" in run.figures["astrometry"]["not_checked"]


def test_a_run_keeps_how_its_frame_was_registered(camera, reference, science):
    camera(reference, science)
    assert not work().failed
    run = PreprocessRun.objects.get(observation=the("science"))
    kept = run.wcs_info["registration"]
    assert kept["first_guess"] == "wcs"
    assert kept["n_stars"] == run.registration_stars >= 5
    assert kept["rms_arcsec"] == run.registration_rms_arcsec
    assert kept["rms_px"] <= kept["first_rms_px"]
    assert 0 < run.registration_quality <= 1
    # frames of one camera, dithered, not turned
    assert kept["scale"] == pytest.approx(1.0, abs=0.01)
    assert not kept["is_mirrored"]
    assert np.shape(kept["affine"]) == (2, 3)
    if not kept["is_identity"]:
        assert 0.6 < run.wcs_info["resampling"]["variance"] <= 1.0
