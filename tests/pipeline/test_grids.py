"""References with pixel grids of their own, and references that are withdrawn."""

from datetime import timedelta

import numpy as np
import pytest
from astropy.io import fits
from django.utils import timezone

from astrid.core import store
from catalog import jobs
from catalog.models import JobType
from detection.models import Detection, Model, ModelRun
from detection.registry import in_force, put_in_force
from differencing.models import DifferenceRun, ReferenceImage
from observations.models import Observation
from observations.services import archive, ingest_directory
from observations.simulator import SceneParameters, simulate_night
from preprocessing.calibrated import from_fits
from tests.factories import make_user
from tests.pipeline.work import job_of, rows, the, work

pytestmark = pytest.mark.django_db


def cut(source, target, columns):
    """Write a strip of a frame; its WCS keeps every pixel where it is in the sky."""
    with fits.open(source) as units:
        header = units[0].header.copy()
        for keyword in ("CHECKSUM", "DATASUM"):
            header.remove(keyword, ignore_missing=True)
        header["CRPIX1"] -= columns.start
        header["CRPIX2"] -= 150
        fits.writeto(target, units[0].data[150:520, columns], header)


@pytest.fixture
def strips(tmp_path):
    """A wide science frame between two references, too far apart to share a grid."""
    scene = SceneParameters(size=700, transients_per_mpix=60, snr_range=(20, 50))
    night = simulate_night(tmp_path / "night", seed=8, fields=1, science_epochs=1, parameters=scene)
    folder = tmp_path / "strips"
    folder.mkdir()
    (folder / "astrid.toml").write_bytes((night.directory / "astrid.toml").read_bytes())
    cut(night.references[0], folder / "field01_ref.fits", slice(0, 330))
    cut(night.references[0], folder / "field02_ref.fits", slice(370, 700))
    cut(night.science[0], folder / "field01_sci1.fits", slice(0, 700))
    return folder


def test_the_network_sees_the_frames_that_were_subtracted(strips):
    ingest_directory(strips)
    assert not work().failed
    runs = list(DifferenceRun.objects.filter(status="completed"))
    assert len(runs) == 2
    assert ModelRun.objects.filter(status="completed").count() == 2
    for run in runs:
        inputs = run.provenance["inputs"]
        science, reference = (from_fits(store.get(inputs[n])) for n in ("science", "reference"))
        places = [np.array([10.0, 200.0]), np.array([10.0, 300.0])]
        there = science.wcs.wcs_world2pix(*reference.wcs.wcs_pix2world(*places, 0), 0)
        assert np.allclose(there, places, atol=0.01)


def test_a_reference_that_was_withdrawn_is_subtracted_no_more(camera, night):
    camera(*night.references, night.science[0])
    work()
    ReferenceImage.objects.update(valid_to=timezone.now() - timedelta(days=1))
    camera(night.science[1])
    work()
    late = Observation.objects.get(observation_id=night.science[1].stem)
    assert not late.difference_runs.exists()
    assert "no reference image" in late.status_reason


def test_another_network_leaves_the_archive_as_judged(camera, reference, science):
    camera(reference, science)
    work()
    before = rows()
    old = in_force("classifier")
    put_in_force(Model.objects.create(name="next", version="1", model_type=old.model_type))
    assert not work().failed
    assert rows()[Detection] == before[Detection]
    assert ModelRun.objects.count() == 1


def test_an_archived_frame_ends_the_retry_of_its_job(camera, science):
    camera(science)
    work()
    job = job_of(JobType.PREPROCESS)
    archive(the("science"))
    jobs.retry(job, make_user())
    work()
    job.refresh_from_db()
    assert job.status == "failed"


def test_frames_of_one_camera_share_references_across_surveys(tmp_path, night):
    for name, frame in (("deep", night.references[0]), ("search", night.science[0])):
        folder = tmp_path / name
        folder.mkdir()
        rules = (night.directory / "astrid.toml").read_text()
        rules = rules.replace('"Simulated survey"', f'"{name}"')
        (folder / "astrid.toml").write_text(f'{rules}\n[defaults]\ninstrument = "one camera"\n')
        (folder / frame.name).write_bytes(frame.read_bytes())
        ingest_directory(folder)
    work()
    run = Observation.objects.get(role="science").preprocess_runs.get()
    assert (run.status, run.grid_observation.survey.name) == ("completed", "deep")
