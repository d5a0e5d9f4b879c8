"""Failures: how often they are tried again, and that repair works."""

import math
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from django.core.files.storage import storages
from django.utils import timezone

from astrid import pipeline
from astrid.core import store
from astrid.core.models import RunStatus
from catalog import jobs
from catalog.models import JobStatus, JobType, ProcessingJob
from detection.models import Detection, Model
from differencing.models import Candidate, DifferenceRun
from observations.models import Observation, ObservationStatus
from observations.services import ingest_directory, retry
from preprocessing.models import PreprocessRun
from tests.factories import make_user
from tests.pipeline.work import job_of, rows, the, work, work_until

pytestmark = pytest.mark.django_db


def wait_is_over():
    """Let the time of every postponed job come."""
    ProcessingJob.objects.filter(status=JobStatus.PENDING).update(scheduled_at=timezone.now())


def stored_file(name):
    return storages[store.ALIAS].path(name)


def test_a_frame_without_a_reference_is_done_once_there_is_one(camera, reference, science):
    camera(science)
    report = work()
    assert "no reference image" in next(iter(report.failed.values()))
    assert the("science").status == ObservationStatus.FAILED
    assert "ingest a reference frame" in the("science").status_reason
    camera(reference)
    retry(the("science"))
    assert not work().failed
    assert the("science").status == ObservationStatus.DIFFERENCED
    assert the("science").status_reason == ""
    assert Detection.objects.exists()


def test_a_retried_job_works_once_the_cause_is_gone(camera, reference, science):
    camera(science)
    work()
    camera(reference)
    work()
    job = job_of(JobType.PREPROCESS, status=JobStatus.FAILED)
    assert "no reference image" in job.error_message
    assert job.error_details["kind"] == "NoReference"
    jobs.retry(job, make_user())
    assert not work().failed
    job.refresh_from_db()
    assert (job.status, job.error_message) == (JobStatus.COMPLETED, None)
    assert the("science").status == ObservationStatus.DIFFERENCED


def test_a_lost_product_fails_the_difference_until_it_is_put_back(camera, reference, science):
    camera(reference, science)
    work_until(JobType.DIFFERENCE)
    product = PreprocessRun.objects.get(observation=the("reference")).processed_fits_path
    content = store.get(product)
    storages[store.ALIAS].delete(product)
    work()
    job = job_of(JobType.DIFFERENCE)
    assert (job.status, job.retry_count) == (JobStatus.FAILED, 0)
    assert f"{product!r} is gone" in job.error_message
    assert the("science").status == ObservationStatus.FAILED
    assert the("science").status_reason == job.error_message
    store.put(content)
    jobs.retry(job, make_user())
    assert not work().failed
    assert the("science").status == ObservationStatus.DIFFERENCED
    assert DifferenceRun.objects.get().retry_count == 1


def test_a_job_called_off_waits_until_it_is_wanted_again(camera, reference, science):
    camera(reference, science)
    (job,) = work_until(JobType.DIFFERENCE)
    jobs.cancel(job, make_user())
    work()
    assert the("science").status == ObservationStatus.DIFFERENCING
    assert not Candidate.objects.exists()
    jobs.retry(job, make_user())
    work()
    assert the("science").status == ObservationStatus.DIFFERENCED


def test_bad_pixels_fail_at_once_and_cost_no_other_frame(camera, night):
    camera(night.references[0], night.science[1])
    spoilt = camera.folder / night.science[0].name
    with fits.open(night.science[0]) as hdus:
        shape = hdus[0].data.shape
        hdus[0].data = np.random.default_rng(3).normal(100, 5, shape).astype(np.float32)
        hdus.writeto(spoilt, checksum=True)
    ingest_directory(camera.folder)
    report = work()
    assert len(report.failed) == 1
    bad = Observation.objects.get(observation_id=spoilt.stem)
    job = job_of(JobType.PREPROCESS, entity_id=bad.pk)
    assert (bad.status, job.status, job.retry_count) == ("failed", "failed", 0)
    assert bad.status_reason == job.error_message == bad.preprocess_runs.get().error_message
    good = Observation.objects.get(observation_id=night.science[1].stem)
    assert good.status == ObservationStatus.DIFFERENCED


@pytest.fixture
def broken_disk(camera, reference):
    """The reference, whose stored file the disk cannot read: a folder is in its place."""
    camera(reference)
    path = stored_file(the("reference").fits_file_path)
    aside = f"{path}.aside"
    Path(path).rename(aside)
    Path(path).mkdir()

    def repair():
        Path(path).rmdir()
        Path(aside).rename(path)

    return repair


def test_a_passing_fault_is_tried_again_with_growing_waits_until_it_counts(broken_disk):
    waits = []
    for _ in range(3):
        before = timezone.now()
        assert work().postponed == 1
        job = job_of(JobType.PREPROCESS)
        assert job.status == JobStatus.PENDING
        assert "directory" in job.error_message
        waits.append((job.scheduled_at - before) // timedelta(seconds=1))
        assert the("reference").status == ObservationStatus.PREPROCESSING
        assert not work().done  # its time has not come
        wait_is_over()
    # 30 s, doubled each time; the fractions are what the work itself took
    assert [math.log2(wait // 30) for wait in waits] == [0, 1, 2]
    assert len(work().failed) == 1
    job = job_of(JobType.PREPROCESS)
    assert (job.status, job.retry_count) == (JobStatus.FAILED, 3)
    assert the("reference").status == ObservationStatus.FAILED


def test_a_passing_fault_that_has_passed_is_forgotten(broken_disk):
    work()
    broken_disk()
    wait_is_over()
    assert not work().failed
    job = job_of(JobType.PREPROCESS)
    assert (job.status, job.retry_count, job.error_message) == (JobStatus.COMPLETED, 1, None)
    run = PreprocessRun.objects.get()
    assert (run.status, run.retry_count, run.error_message) == (RunStatus.COMPLETED, 1, None)


def test_a_late_retry_of_an_old_job_does_no_harm(camera, reference, science):
    camera(science)
    work()
    old = job_of(JobType.PREPROCESS)
    camera(reference)
    retry(the("science"))
    work()
    before = rows()
    jobs.retry(old, make_user())
    assert len(work().failed) == 1
    old.refresh_from_db()
    assert (old.status, old.error_details["kind"]) == (JobStatus.FAILED, "InvalidTransition")
    assert "a later run took its place" in old.error_message
    after = rows()
    assert after[Observation] == before[Observation]
    assert after[PreprocessRun] == before[PreprocessRun]


def test_weights_that_are_gone_fail_the_inference_alone(camera, reference, science):
    camera(reference, science)
    (job,) = work_until(JobType.INFERENCE)
    Model.objects.update(model_path="/nowhere/unet.onnx")
    pipeline.work_off(job.pk)
    job.refresh_from_db()
    assert (job.status, job.error_details["kind"]) == (JobStatus.FAILED, "BadWeights")
    assert not Detection.objects.exists()
    assert the("science").status == ObservationStatus.DIFFERENCED
