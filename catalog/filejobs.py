"""Files that people asked for, made by whichever worker comes first."""

from collections.abc import Callable
from typing import TypeVar

from astrid.core.locks import holding
from astrid.core.models import UNFINISHED, Run, RunStatus, surviving
from catalog.attempts import WorkerDied
from catalog.live.waking import wake

MOST_TRIES = 3

_Job = TypeVar("_Job", bound=Run)


def work_off(job: _Job, make: Callable[[_Job], None]) -> None:
    """Make a file, unless another process does or has; a failure is kept on the job."""
    with holding(job.pk) as held:
        job.refresh_from_db()
        if not held or job.status not in UNFINISHED:
            return
        if job.status == RunStatus.RUNNING:  # and nobody holds it
            job.fail(WorkerDied())
            if job.retry_count >= MOST_TRIES:
                return
        job.start()
        wake()
        with surviving(job):
            make(job)
        wake()
