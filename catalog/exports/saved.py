"""Saved queries: their schedule, their runs, and how long files are kept."""

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from astrid.core import store
from astrid.core.models import RunStatus
from catalog import config
from catalog.exports import service
from catalog.exports.models import SavedQuery
from catalog.models import ExportJob
from catalog.receivers import announce
from curation.models import Trigger
from curation.notices import raise_notices

TASK = "catalog.tasks.run_saved_query"


@transaction.atomic
def schedule(saved: SavedQuery) -> None:
    """Make beat run the query at its hour, or not at all; doing it again changes nothing."""
    if saved.hour is None:
        unschedule(saved)
        return
    crontab, _made = CrontabSchedule.objects.get_or_create(
        minute="0",
        hour=str(saved.hour),
        day_of_week="*",
        day_of_month="*",
        month_of_year="*",
        timezone=ZoneInfo("UTC"),
    )
    wanted = {"name": f"export {saved.pk}", "crontab": crontab, "enabled": True}
    PeriodicTask.objects.update_or_create(task=TASK, args=_arguments(saved), defaults=wanted)


def unschedule(saved: SavedQuery) -> None:
    """Take the query out of beat's table."""
    for entry in PeriodicTask.objects.filter(task=TASK, args=_arguments(saved)):
        entry.delete()  # one by one: each tells beat


def _arguments(saved: SavedQuery) -> str:
    return json.dumps([str(saved.pk)])


def keep(saved: SavedQuery, person: Any) -> None:
    """Store a query, a new one as this person's own, and bring its hour into force."""
    if saved.owner_id is None:
        saved.owner = person
    with transaction.atomic():
        saved.save()
        schedule(saved)


@transaction.atomic
def drop(saved: SavedQuery) -> None:
    """Delete a query, and its entry in beat's table; its files stay."""
    unschedule(saved)
    saved.delete()


def latest(queries: Iterable[SavedQuery], person: Any) -> dict[UUID, ExportJob]:
    """Give, for each query that has one, the newest file that was asked for by or for a person."""
    found = ExportJob.objects.filter(saved_query__in=queries, requester=person)
    rows = found.order_by("saved_query_id", "-id").distinct("saved_query_id")
    return {job.saved_query_id: job for job in rows if job.saved_query_id}


def run(saved: SavedQuery, person: Any) -> ExportJob:
    """Ask for the file of a saved query, with what this person may see.

    Raises
    ------
    BadExport
        If it is wrong by now, or no longer theirs to ask.
    """
    return service.ask(person, saved.adql, saved.file_format, saved=saved)


def run_by_schedule(saved: SavedQuery) -> ExportJob:
    """Make tonight's file; one that cannot be made is kept as failed, and told of."""
    job = ExportJob.objects.create(
        requester=saved.owner,
        saved_query=saved,
        query={"adql": saved.adql},
        file_format=saved.file_format,
        is_scheduled=True,
    )
    service.work_off(job)
    follow_up(job)
    return job


def follow_up(job: ExportJob) -> None:
    """After a file of a saved query: remove older ones, or tell of a nightly one that failed."""
    if job.saved_query is None:
        return
    job.refresh_from_db()
    if job.status == RunStatus.COMPLETED:
        clear(job.saved_query, job.requester)
    elif job.status == RunStatus.FAILED and job.is_scheduled:
        announce(raise_notices(Trigger.EXPORT, _content(job), config.get("alert_rules")))


def _content(job: ExportJob) -> dict[str, Any]:
    name, owner = str(job.saved_query), str(job.requester)
    return {
        "entity_id": job.pk,
        "title": f"AstrID: tonight's export {name} failed"[:200],
        "message": f"The saved query {name!r} of {owner} made no file: {job.error_message}\n",
        "alert_metadata": {"query": name, "owner": owner, "reason": job.error_message},
    }


def clear(saved: SavedQuery, person: Any) -> int:
    """Remove the files of a query beyond those that are kept for a person; give how many went."""
    made = ExportJob.objects.filter(saved_query=saved, requester=person, status=RunStatus.COMPLETED)
    old = list(made.order_by("-id")[saved.keep :])
    for job in old:
        job.delete()
        if not ExportJob.objects.filter(file_path=job.file_path).exists():
            store.remove(job.file_path)
    return len(old)
