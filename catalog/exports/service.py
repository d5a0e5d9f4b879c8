"""Ask for a file of rows, and make it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import IO, Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from astrid.core import store
from astrid.core.errors import AstridError
from astrid.core.measure import Cost, measured
from astrid.core.metering import metered
from astrid.core.models import UNFINISHED
from astrid.core.provenance import versions
from catalog import config, filejobs
from catalog.exports import writers
from catalog.exports.reading import Rows, rows_of
from catalog.live.waking import wake
from catalog.models import ExportFormat, ExportJob, SavedQuery
from catalog.vo.adql.errors import AdqlError
from catalog.vo.adql.schema import Published
from catalog.vo.errors import VoError
from catalog.vo.parameters import Access
from catalog.vo.visible import Caller, published_for


class BadExport(AstridError):
    """A file that cannot be made, with the reason."""


def seen_by(person: User | None) -> Published:
    """Give what may be exported for a person; everything where nobody in particular asks."""
    return published_for(caller_of(person))


def caller_of(person: User | None) -> Caller:
    """Give a person as somebody who asks; one who may ask everything where there is none."""
    given = config.get("vo")
    if person is None:
        given = replace(given, anonymous_access=Access.EVERYTHING)
    return Caller(person, settings.SITE_URL, given)


def ask(
    person: User, query: str, file_format: str, *, saved: SavedQuery | None = None
) -> ExportJob:
    """Note that somebody wants a file; it is made by the task of the same name.

    Raises
    ------
    BadExport
        If the query is wrong, or asks for what this person may not see.
    """
    check(query, file_format, seen_by(person))
    job = ExportJob.objects.create(
        requester=person,
        query={"adql": query},
        file_format=ExportFormat(file_format),
        saved_query=saved,
    )
    wake()
    return job


def check(query: str, file_format: str, published: Published) -> None:
    """Refuse a query that cannot be answered, before anybody waits for it."""
    if file_format not in ExportFormat.values:
        known = ", ".join(ExportFormat.values)
        raise BadExport(f"format {file_format!r} is not written; there are {known}")
    with _in_words(), rows_of(query, published, config.get("vo").sync_seconds) as rows:
        writers.check(rows, file_format)


def export(
    query: str,
    file_format: str,
    out: IO[bytes],
    person: User | None = None,
    *,
    is_counted: bool = False,
) -> tuple[int, Rows]:
    """Write the answer of a query to a file; give the number of rows, and their columns.

    ``is_counted`` has them counted first, so that it can be told how far the file is.

    Raises
    ------
    BadExport
        If it cannot be written.
    """
    seconds = config.get("vo").async_seconds
    with (
        _in_words(),
        rows_of(query, seen_by(person), seconds, is_counted=is_counted) as rows,
    ):
        return writers.write(rows, file_format, out), rows


@contextmanager
def _in_words() -> Iterator[None]:
    """Turn what a query may be told into a :class:`BadExport`."""
    try:
        yield
    except (AdqlError, VoError, writers.Unwritable) as error:
        raise BadExport(str(error)) from error


def due() -> QuerySet[ExportJob]:
    """Files that nobody has made yet; some of them are being made."""
    return ExportJob.objects.filter(status__in=UNFINISHED).order_by("id")


def work_off(job: ExportJob) -> None:
    """Make a file, unless another process does or has; a failure is kept on the job."""
    filejobs.work_off(job, make)


def make(job: ExportJob) -> None:
    """Write the file of a job that has been started, and store it."""
    with tempfile.TemporaryFile() as out:
        with measured() as cost, metered(job, wake=wake):
            number, rows = export(
                job.query["adql"], job.file_format, out, job.requester, is_counted=True
            )
            name = store.put_file(out)
        job.complete(**_outcome(job, number, rows, name, cost))


def _outcome(job: ExportJob, number: int, rows: Rows, name: str, cost: Cost) -> dict[str, Any]:
    sha256 = name.rpartition("/")[2]
    return {
        "rows": number,
        "file_path": name,
        "sha256": sha256,
        "figures": asdict(cost),
        "provenance": {
            "columns": writers.schema_of(rows),
            "citation": citation(job.query["adql"], number, sha256),
            "outputs": {"file": name},
            "versions": versions(),
        },
    }


def citation(query: str, number: int, sha256: str) -> str:
    """Give what to write beside figures made from a file."""
    day = timezone.now().date().isoformat()
    return (
        f"AstrID archive at {settings.SITE_URL}, {number} rows of the query {query!r}, "
        f"exported {day}, SHA-256 {sha256}."
    )
