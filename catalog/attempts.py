"""Tries at a job: taken, postponed, given up or done."""

from datetime import timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError
from django.db.models import Q, QuerySet
from django.utils import timezone

from astrid.core.errors import InvalidTransition
from astrid.core.locks import holding
from astrid.core.models import explain
from astrid.core.states import transition
from catalog.keys import PipelineParameters
from catalog.live.waking import wake
from catalog.models import JobStatus, ProcessingJob

# A queue may be long: a job is announced again only after this time.
ANNOUNCE_AGAIN = timedelta(minutes=10)
# What may go away by itself: the network, the disk, the database, memory.
TRANSIENT = (
    OSError,
    OperationalError,
    InterfaceError,
    BotoCoreError,
    ClientError,
    MemoryError,
    SoftTimeLimitExceeded,
)


class WorkerDied(OSError):
    """The process that held the job is gone."""

    def __str__(self) -> str:
        return "the worker that did this died"


def take(job: ProcessingJob) -> bool:
    """Claim a waiting job, or one whose worker died; False when there is nothing to do.

    Callers hold the lock of the job, so a job that is marked as running has no worker.
    """
    if job.status == JobStatus.RUNNING:
        _release(job, WorkerDied(), timezone.now())
    try:
        transition(
            job,
            JobStatus.RUNNING,
            started_at=timezone.now(),
            completed_at=None,
            error_message=None,
            error_details=None,
        )
    except InvalidTransition:
        return False  # done, failed or cancelled meanwhile
    wake()
    return True


def may_try_again(job: ProcessingJob, error: BaseException) -> bool:
    """Say whether a later try may help and is allowed."""
    return isinstance(error, TRANSIENT) and job.retry_count < job.max_retries


def postpone(job: ProcessingJob, error: BaseException, parameters: PipelineParameters) -> None:
    """Put the job back; each wait is twice the one before."""
    wait = parameters.backoff_seconds * 2**job.retry_count
    seconds = min(wait, parameters.max_backoff_seconds)
    _release(job, error, timezone.now() + timedelta(seconds=seconds))


def _release(job: ProcessingJob, error: BaseException, scheduled_at: Any) -> None:
    transition(
        job,
        JobStatus.PENDING,
        retry_count=job.retry_count + 1,
        scheduled_at=scheduled_at,
        announced_at=None,
        **_reason(error),
    )
    wake()


def give_up(job: ProcessingJob, error: BaseException) -> None:
    """Close the job with the reason, in words."""
    transition(job, JobStatus.FAILED, completed_at=timezone.now(), **_reason(error))
    wake()


def complete(job: ProcessingJob) -> None:
    """Close the job."""
    transition(job, JobStatus.COMPLETED, completed_at=timezone.now())
    wake()


def _reason(error: BaseException) -> dict[str, Any]:
    return {
        "error_message": explain(error),
        "error_details": {"kind": type(error).__name__, "at": timezone.now().isoformat()},
    }


def waiting() -> list[ProcessingJob]:
    """Jobs that a worker may begin now: their time has come, or their worker is gone."""
    return [*_due(), *abandoned()]


def _due() -> QuerySet[ProcessingJob]:
    return ProcessingJob.objects.filter(
        status=JobStatus.PENDING, scheduled_at__lte=timezone.now()
    ).order_by("-priority", "id")


def abandoned() -> list[ProcessingJob]:
    """Jobs that are marked as running, but nobody holds their lock."""
    running = ProcessingJob.objects.filter(status=JobStatus.RUNNING).order_by("id")
    return [job for job in running if _is_abandoned(job)]


def _is_abandoned(job: ProcessingJob) -> bool:
    with holding(job.pk) as held:
        return held


def to_announce(limit: int) -> list[ProcessingJob]:
    """Claim, for one announcement, jobs that wait unheard or whose worker is gone."""
    unheard = Q(announced_at=None) | Q(announced_at__lt=timezone.now() - ANNOUNCE_AGAIN)
    found = [*_due().filter(unheard)[:limit], *abandoned()]
    return [job for job in found if announce(job)]


def announce(job: ProcessingJob) -> bool:
    """Note that the job is announced; False when another process was faster."""
    same = Q(announced_at=job.announced_at) if job.announced_at else Q(announced_at=None)
    rows = ProcessingJob.objects.filter(same, pk=job.pk)
    return bool(rows.update(announced_at=timezone.now()))
