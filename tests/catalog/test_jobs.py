"""Jobs as operators handle them."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from astrid.core.errors import InvalidTransition
from astrid.core.states import transition
from catalog import attempts, jobs
from catalog.audit import audited_as, history
from catalog.models import JobStatus, JobType, ProcessingJob
from tests.factories import make_difference_run, make_observation, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def job():
    return jobs.open_job(JobType.PREPROCESS, make_observation())


def in_state(job, status, **fields):
    ProcessingJob.objects.filter(pk=job.pk).update(status=status, **fields)
    job.refresh_from_db()
    return job


def test_an_opened_job_names_its_entity_and_is_due_at_once():
    run = make_difference_run()
    job = jobs.open_job(JobType.DIFFERENCE, run.observation, run, max_retries=5)
    assert (job.entity_type, job.entity_id) == ("observations.Observation", run.observation_id)
    assert (job.run_id, job.max_retries, job.status) == (run.pk, 5, JobStatus.PENDING)
    assert job in attempts.waiting()


def test_a_run_has_one_job():
    run = make_difference_run()
    jobs.open_job(JobType.DIFFERENCE, run.observation, run)
    with pytest.raises(IntegrityError, match="job_once_per_run"), transaction.atomic():
        jobs.open_job(JobType.DIFFERENCE, run.observation, run)


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED])
def test_a_job_that_ended_badly_is_due_again_and_its_count_goes_on(job, status):
    in_state(job, status, retry_count=3, error_message="no sky", error_details={"kind": "x"})
    asked = timezone.now()
    jobs.retry(job, make_user())
    job.refresh_from_db()
    assert (job.status, job.retry_count) == (JobStatus.PENDING, 3)
    assert job.error_message is job.error_details is job.completed_at is job.announced_at is None
    assert job.scheduled_at >= asked
    assert job in attempts.waiting()


@pytest.mark.parametrize("status", [JobStatus.PENDING, JobStatus.RUNNING, JobStatus.COMPLETED])
def test_no_other_job_is_tried_again(job, status):
    in_state(job, status)
    with pytest.raises(InvalidTransition, match=f"is {status}; only a failed or cancelled"):
        jobs.retry(job, make_user())
    job.refresh_from_db()
    assert job.status == status


def test_a_job_that_was_taken_meanwhile_is_not_cancelled(job):
    stale = ProcessingJob.objects.get(pk=job.pk)
    transition(job, JobStatus.RUNNING)
    with pytest.raises(InvalidTransition, match="becomes cancelled only from pending"):
        jobs.cancel(stale, make_user())


def test_a_cancelled_job_waits_no_more(job):
    jobs.cancel(job, make_user())
    assert job.status == JobStatus.CANCELLED
    assert job not in attempts.waiting()


def test_retry_and_cancel_name_their_user_in_the_log_also_without_a_request(job):
    user = make_user()
    jobs.cancel(job, user)
    jobs.retry(job, user)
    assert [entry.user_id for entry in history(job)] == [str(user.pk)] * 2


def test_a_command_keeps_its_own_address_and_agent(job):
    user = make_user()
    with audited_as(user.pk, agent="manage.py process"):
        jobs.cancel(job, user)
    assert history(job).get().user_agent == "manage.py process"


def test_jobs_are_counted_by_type_and_status(job):
    in_state(jobs.open_job(JobType.PREPROCESS, make_observation()), JobStatus.FAILED)
    assert jobs.counts() == {"preprocess": {"pending": 1, "failed": 1}}
