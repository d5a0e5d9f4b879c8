"""Queued queries: made, run, called off, removed.

Reference: Harrison & Rixon 2016, Universal Worker Service Pattern 1.1, IVOA Recommendation.
"""

import io
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection
from django.utils import timezone

from astrid.core.errors import InvalidTransition
from astrid.core.hints import nudge
from astrid.core.models import explain
from astrid.core.states import transition
from astrid.core.store import ALIAS
from catalog import config
from catalog.vo import formats
from catalog.vo.adql.errors import AdqlError
from catalog.vo.errors import VoError
from catalog.vo.models import ENDED, TapJob, TapStatus
from catalog.vo.requests import Asked
from catalog.vo.tap import Wanted, content_of
from catalog.vo.uploads import named, uploaded
from catalog.vo.visible import Caller

logger = logging.getLogger(__name__)
RUN = "catalog.tasks.run_tap_job"
# A worker that has said nothing for so much longer than the query may take is gone.
_GRACE = timedelta(minutes=5)
_PATIENCE = timedelta(seconds=30)
_APPLICATION = "astrid-tap-{}"
KEPT = frozenset(
    {"QUERY", "LANG", "REQUEST", "MAXREC", "RESPONSEFORMAT", "FORMAT", "UPLOAD", "VERSION"}
)


def create(caller: Caller, asked: Asked, files: Mapping[str, Any]) -> TapJob:
    """Keep a query for later; it waits until it is told to run."""
    settings = caller.settings
    job = TapJob(
        owner_id=caller.user.pk if caller.is_known else None,  # type: ignore[union-attr]
        root=caller.root,
        parameters={name: list(asked.many(name)) for name in KEPT if asked.many(name)},
        run_name=asked.one("RUNID")[:200],
        duration_seconds=settings.async_seconds,
        destruction=timezone.now() + timedelta(days=settings.job_days),
    )
    _keep_uploads(job, asked, files)
    job.save(force_insert=True)
    return job


def change(job: TapJob, asked: Asked, files: Mapping[str, Any]) -> None:
    """Take other parameters for a query that has not begun.

    Raises
    ------
    VoError
        If it has.
    """
    given = {name: list(asked.many(name)) for name in KEPT if asked.many(name)}
    if not given:
        return
    _needs_pending(job)
    job.parameters |= given
    _keep_uploads(job, asked, files)
    _change_pending(job, parameters=job.parameters, uploads=job.uploads)


def _change_pending(job: TapJob, **changes: Any) -> None:
    """Change a query unless it has begun since it was read."""
    waiting = TapJob.objects.filter(pk=job.pk, status=TapStatus.PENDING)
    if not waiting.update(**changes, updated_at=timezone.now()):
        job.refresh_from_db(fields=["status"])
        _needs_pending(job)


def _needs_pending(job: TapJob) -> None:
    if job.status != TapStatus.PENDING:
        raise VoError(f"the query is {job.status}; it is changed only while it is pending")


def limit(
    job: TapJob, *, seconds: float | None = None, destruction: datetime | None = None
) -> None:
    """Set how long a query may take and how long it is kept, within what is allowed."""
    settings = config.get("vo")
    if seconds is not None:
        longest = settings.async_seconds
        _change_pending(job, duration_seconds=longest if seconds <= 0 else min(seconds, longest))
    if destruction is not None:
        job.destruction = min(destruction, timezone.now() + timedelta(days=settings.job_days))
        job.save(update_fields=["destruction", "updated_at"])


def _keep_uploads(job: TapJob, asked: Asked, files: Mapping[str, Any]) -> None:
    for name, place in named(asked):
        label = place.removeprefix("param:")
        if label in files:
            stored = storages[ALIAS].save(f"tap/{job.pk}/upload-{name}", files[label])
            job.uploads[label] = stored


def queue(job: TapJob) -> None:
    """Let a worker take a query.

    Raises
    ------
    InvalidTransition
        If it has begun or ended.
    """
    transition(job, TapStatus.QUEUED)
    nudge(RUN, str(job.pk))


def run(key: str) -> None:
    """Answer a queued query and keep the answer; nothing if another worker has it."""
    job = TapJob.objects.select_related("owner").filter(pk=key).first()
    if job is None:
        return
    try:
        transition(job, TapStatus.EXECUTING, started_at=timezone.now())
    except InvalidTransition:
        return
    try:
        outcome = _answer(job)
    except (VoError, AdqlError) as error:
        _end(job, TapStatus.ERROR, error_message=str(error))
    except Exception as error:
        _end(job, TapStatus.ERROR, error_message=explain(error))
        raise
    else:
        _end(job, TapStatus.COMPLETED, **outcome)


def _answer(job: TapJob) -> dict[str, Any]:
    caller = Caller(job.owner, job.root, config.get("vo"))
    asked = Asked({name: tuple(values) for name, values in job.parameters.items()})
    wanted = Wanted.of(asked, caller)
    files = {label: _opened(path) for label, path in job.uploads.items()}
    tables = uploaded(asked, files, caller.settings.upload_rows)
    with connection.cursor() as cursor:
        # By this name the query is found again when it is called off.
        cursor.execute("SELECT set_config('application_name', %s, false)", [_name_of(job)])
    try:
        content, rows, is_cut = content_of(wanted, caller, job.duration_seconds, tables)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('application_name', '', false)")
    ending = formats.ENDINGS[wanted.format]
    path = storages[ALIAS].save(f"tap/{job.pk}/result.{ending}", ContentFile(content))
    return {
        "result_path": path,
        "result_type": formats.TYPES[wanted.format],
        "rows": rows,
        "is_cut": is_cut,
    }


def _opened(path: str) -> io.BytesIO:
    with storages[ALIAS].open(path) as stored:
        return io.BytesIO(stored.read())


def _name_of(job: TapJob) -> str:
    return _APPLICATION.format(job.pk)


def _end(job: TapJob, status: TapStatus, **outcome: Any) -> None:
    try:
        transition(job, status, ended_at=timezone.now(), **outcome)
    except InvalidTransition:
        logger.info("%s was called off while it ran", job)
        if path := outcome.get("result_path"):
            storages[ALIAS].delete(path)


def abort(job: TapJob) -> None:
    """Call a query off; one that has ended stays as it is."""
    if job.status in ENDED:
        return
    transition(job, TapStatus.ABORTED, ended_at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = %s",
            [_name_of(job)],
        )


def destroy(job: TapJob) -> None:
    """Remove a query with its answer."""
    abort(job)
    for path in (job.result_path, *job.uploads.values()):
        if path:
            storages[ALIAS].delete(path)
    job.delete()


def tend() -> int:
    """Remove what is out of date, fail what lost its worker, and start what nobody took."""
    now = timezone.now()
    for job in TapJob.objects.filter(destruction__lte=now):
        destroy(job)
    for job in TapJob.objects.filter(status=TapStatus.EXECUTING):
        allowed = _GRACE + timedelta(seconds=job.duration_seconds)
        if job.started_at and now > job.started_at + allowed:
            _end(job, TapStatus.ERROR, error_message="the worker that had it is gone; ask again")
    forgotten = TapJob.objects.filter(status=TapStatus.QUEUED, updated_at__lt=now - _PATIENCE)
    keys = list(forgotten.values_list("pk", flat=True))
    for key in keys:
        nudge(RUN, str(key))
    return len(keys)
