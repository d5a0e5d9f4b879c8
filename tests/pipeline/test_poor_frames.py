"""Frames of poor quality are set aside, with reasons, until an operator accepts them."""

import numpy as np
import pytest
import sep

from catalog import config
from detection.models import Detection
from differencing.models import Candidate
from observations.fits import read_frame
from observations.models import Observation
from observations.services import accept, retry
from preprocessing.models import PreprocessRun
from tests.pipeline.work import the, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def demanding():
    """Limits that the night's 1.4 arcsec do not meet."""
    config.put("preprocess", {"max_seeing_px": 1.5, "reference_factor": 1.0})


def test_a_poor_frame_is_set_aside_until_it_is_accepted(camera, reference, science, demanding):
    camera(reference, science)
    work()
    frame, run = the("reference"), PreprocessRun.objects.get(observation__role="reference")
    assert frame.status == "failed"
    assert frame.status_reason == run.error_message
    assert frame.status_reason.startswith("set aside: seeing ")
    assert "px is above 1.5 (max_seeing_px)" in frame.status_reason
    assert run.is_set_aside
    assert run.figures["set_aside"] == [frame.status_reason.removeprefix("set aside: ")]
    assert run.figures["quality"]["seeing_px"] == run.seeing_px > 1.5
    assert frame.seeing == pytest.approx(run.seeing_px * frame.pixel_scale)
    for observation in Observation.objects.all():
        accept(observation)
    assert not work().failed
    assert the("science").status == "differenced"
    again = PreprocessRun.objects.filter(observation=frame).order_by("id").last()
    assert (again.status, again.is_set_aside) == ("completed", False)
    assert again.figures["set_aside"], "what is wrong with it stays on record"


def test_a_poor_frame_is_processed_once_the_limit_is_changed(camera, reference, demanding):
    camera(reference)
    work()
    config.put("preprocess", {"max_seeing_px": 9.0})
    retry(the("reference"))
    work()
    assert the("reference").status == "preprocessed"


def test_every_completed_run_keeps_quality_and_zero_point(camera, reference, science):
    camera(reference, science)
    assert not work().failed
    for run in PreprocessRun.objects.all():
        assert run.seeing_px == run.figures["quality"]["seeing_px"] > 1
        assert run.limiting_flux > 0
        assert run.zero_point_source in ("header", "instrumental")
        assert run.figures["zero_point"]["value"] == run.zero_point


def test_frames_are_calibrated_by_the_catalogue_of_their_survey(camera, night, reference):
    rules = camera.folder / "astrid.toml"
    rules.write_text('star_catalog = "stars.csv"\n' + rules.read_text())
    (camera.folder / "stars.csv").write_text(as_catalogue(reference, zero_point=26.5))
    camera(reference)
    work()
    run = PreprocessRun.objects.get()
    assert (run.zero_point_source, run.photometric_system) == ("catalogue", "AB")
    # the brightest objects of the frame itself, their light measured in 5 px, 2 % of it outside
    assert run.zero_point == pytest.approx(26.5, abs=0.08)
    assert run.zero_point_stars >= 5
    assert the("reference").limiting_magnitude == run.limiting_magnitude
    assert run.provenance["inputs"]["star_catalog"]


def as_catalogue(path, *, zero_point):
    """Measure the bright objects of a frame with sep, and write them as a catalogue."""
    frame = read_frame(path)
    sky = sep.Background(frame.pixels)
    light = frame.pixels - sky.back()
    found = sep.extract(light, 20, err=sky.globalrms)
    flux, _, _ = sep.sum_circle(light, found["x"], found["y"], 10.0)
    ra, dec = frame.wcs.all_pix2world(found["x"], found["y"], 0)
    magnitude = zero_point - 2.5 * np.log10(np.maximum(flux, 1))
    rows = zip(ra, dec, magnitude, strict=True)
    return "ra,dec,mag\n" + "".join(f"{a:.7f},{d:.7f},{m:.4f}\n" for a, d, m in rows)


def test_candidates_and_detections_have_magnitudes(camera, reference, science):
    camera(reference, science)
    assert not work().failed
    run = PreprocessRun.objects.get(observation__role="science")
    for candidate in Candidate.objects.all():
        seen = candidate.flux / candidate.flux_error >= 3
        assert (candidate.magnitude is not None) == seen
        assert (candidate.upper_limit is not None) != seen
        assert candidate.photometric_system == run.photometric_system
    assert Candidate.objects.filter(magnitude__isnull=False).exists()
    for detection in Detection.objects.select_related("candidate"):
        assert detection.brightness() == detection.candidate.brightness()
