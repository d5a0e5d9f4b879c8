"""Work that cannot be started, and work whose worker is gone."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone

from astrid import pipeline
from astrid.core.models import RunStatus
from catalog import attempts, jobs
from catalog.models import JobStatus, JobType, ProcessingJob, SystemConfig
from detection.models import ModelRun
from observations.models import Observation, ObservationStatus
from preprocessing.models import PreprocessRun
from tests.factories import make_user
from tests.pipeline.work import rows, the, work, work_until

pytestmark = pytest.mark.django_db


def test_an_observation_that_cannot_be_begun_stops_no_other(camera, night, tmp_path, caplog):
    camera(night.references[0], night.science[0])
    work_until(JobType.DIFFERENCE)
    camera(night.science[1])
    other = Observation.objects.get(observation_id=night.science[1].stem)
    survey = other.survey
    survey.adapter_settings = {**survey.adapter_settings, "rules": {"survey": 5}}
    survey.save()
    report = work()
    other.refresh_from_db()
    assert other.status == ObservationStatus.FAILED
    assert report.failed == {str(other): other.status_reason}
    assert "rules" in other.status_reason or "survey" in other.status_reason
    assert ModelRun.objects.filter(status=RunStatus.COMPLETED).count() == 1


def test_a_stage_that_cannot_start_leaves_the_others_alone(camera, night, caplog):
    camera(night.references[0], night.science[0])
    work_until(JobType.INFERENCE)
    camera(night.science[1])
    SystemConfig.objects.filter(key="difference").update(value={"threshold": "high"})
    pipeline.advance()
    assert 'starting of difference runs: difference.threshold is "high"' in caplog.text
    opened = ProcessingJob.objects.filter(status=JobStatus.PENDING)
    assert set(opened.values_list("job_type", flat=True)) == {"preprocess", "inference"}


@pytest.fixture
def begun(camera, reference):
    """A job whose worker died in the middle: it says running, and nobody holds its lock."""
    camera(reference)
    (job,) = work_until(JobType.PREPROCESS)
    assert attempts.take(job)
    pipeline.Attempt(pipeline.STEPS[1], job).run().start()
    return job


def test_the_job_of_a_dead_worker_is_taken_up_again(begun):
    assert attempts.abandoned() == [begun]
    assert not work().failed
    begun.refresh_from_db()
    assert (begun.status, begun.retry_count) == (JobStatus.COMPLETED, 1)
    run = PreprocessRun.objects.get()
    assert (run.status, run.retry_count) == (RunStatus.COMPLETED, 1)
    assert the("reference").status == ObservationStatus.PREPROCESSED


def test_a_worker_that_died_between_run_and_job_left_nothing_to_do(begun):
    run = PreprocessRun.objects.get()
    run.fail(attempts.WorkerDied())
    pipeline.STEPS[1].task(str(run.pk))  # all is written, except on the job
    before = rows()[PreprocessRun]
    assert not work().failed
    begun.refresh_from_db()
    assert begun.status == JobStatus.COMPLETED
    assert rows()[PreprocessRun] == before
    assert the("reference").status == ObservationStatus.PREPROCESSED


def test_work_that_kills_every_worker_is_given_up(begun):
    ProcessingJob.objects.update(retry_count=begun.max_retries)
    assert len(work().failed) == 1
    begun.refresh_from_db()
    assert (begun.status, begun.error_message) == (
        JobStatus.FAILED,
        "the worker that did this died",
    )
    assert the("reference").status == ObservationStatus.FAILED
    jobs.retry(begun, make_user())
    assert not work().failed
    assert the("reference").status == ObservationStatus.PREPROCESSED


def test_a_sweep_tells_of_a_job_once_until_its_announcement_is_old(camera, reference):
    camera(reference)
    (job,) = work_until(JobType.PREPROCESS)
    assert attempts.to_announce(10) == [job]
    assert attempts.to_announce(10) == []
    later = timezone.now() - attempts.ANNOUNCE_AGAIN
    ProcessingJob.objects.update(announced_at=later)
    assert attempts.to_announce(10) == [job]


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_with_one_job_one_does_it(camera, reference):
    camera(reference)
    (job,) = work_until(JobType.PREPROCESS)
    start = threading.Barrier(2)

    def worker():
        start.wait()
        try:
            return pipeline.work_off(job.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        done = [future.result() for future in [pool.submit(worker), pool.submit(worker)]]
    assert sorted(done) == [False, True]
    run = PreprocessRun.objects.get()
    assert (run.status, run.retry_count) == (RunStatus.COMPLETED, 0)
