"""Jobs as operators handle them: opened with a run, tried again, called off, counted.

:mod:`catalog.attempts` holds what the pipeline does with a job between these.
"""

import logging

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models, transaction
from django.db.models import Count
from django.utils import timezone

from astrid.core.errors import InvalidTransition
from astrid.core.hints import nudge
from astrid.core.models import Run
from astrid.core.states import transition
from catalog.audit import audited_as
from catalog.live.waking import wake
from catalog.models import JobStatus, JobType, ProcessingJob

logger = logging.getLogger(__name__)


def open_job(
    job_type: JobType, entity: models.Model, run: Run | None = None, *, max_retries: int = 3
) -> ProcessingJob:
    """Write the job of ``run``, which works for ``entity``; it is due at once."""
    job = ProcessingJob.objects.create(
        job_type=job_type,
        entity_id=entity.pk,
        entity_type=entity._meta.label,
        run_id=run.pk if run else None,
        max_retries=max_retries,
        scheduled_at=timezone.now(),
    )
    wake()
    return job


_ENDED_BADLY = (JobStatus.FAILED, JobStatus.CANCELLED)


@transaction.atomic
def retry(job: ProcessingJob, by: AbstractBaseUser) -> None:
    """Make a failed or cancelled job due now; its count of tries goes on.

    Raises
    ------
    InvalidTransition
        If the job waits, runs or is done.
    """
    # A running job may become pending too, but only its worker may say so: hence the lock.
    row = ProcessingJob.objects.select_for_update().get(pk=job.pk)
    if row.status not in _ENDED_BADLY:
        raise InvalidTransition(
            f"job {job.pk} is {row.status}; only a failed or cancelled one is tried again"
        )
    with audited_as(by.pk):
        transition(
            job,
            JobStatus.PENDING,
            scheduled_at=timezone.now(),
            announced_at=None,
            completed_at=None,
            error_message=None,
            error_details=None,
        )
    nudge("astrid.pipeline.sweep")
    wake()
    logger.info("%s asked for another try at job %s", by.get_username(), job.pk)


def cancel(job: ProcessingJob, by: AbstractBaseUser) -> None:
    """Call off a job that nobody has begun; its run waits until the job is tried again.

    Raises
    ------
    InvalidTransition
        If the job runs or has ended.
    """
    with audited_as(by.pk):
        transition(job, JobStatus.CANCELLED, completed_at=timezone.now())
    wake()
    logger.info("%s called off job %s", by.get_username(), job.pk)


def counts() -> dict[str, dict[str, int]]:
    """Count jobs by type and status, as ``{type: {status: number}}``."""
    rows = ProcessingJob.objects.order_by().values_list("job_type", "status").annotate(Count("pk"))
    found: dict[str, dict[str, int]] = {}
    for job_type, status, number in rows:
        found.setdefault(job_type, {})[status] = number
    return found
