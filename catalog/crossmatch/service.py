"""Take a table, match it with rows of ours by position, and keep the answer as a file."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet

from astrid.core import store
from astrid.core.locks import holding
from astrid.core.measure import measured
from astrid.core.models import UNFINISHED
from astrid.core.provenance import versions
from catalog import filejobs
from catalog.crossmatch.errors import BadCrossmatch
from catalog.crossmatch.matching import Target, matched
from catalog.crossmatch.sent import Sent, read
from catalog.exports import service as exports
from catalog.exports import writers
from catalog.live.waking import wake
from catalog.models import CrossmatchJob, CrossmatchTarget, ExportFormat
from catalog.vo.describe import Source
from catalog.vo.tables import CONTEXT, DETECTIONS, ENTRIES, OBJECTS
from catalog.vo.visible import BY_NAME

MOST_RADIUS_ARCSEC = 300.0
AT_ONCE = 5000  # positions that are matched while the caller waits
_COLUMNS: Mapping[str, Sequence[Source]] = {
    CrossmatchTarget.OBJECTS: OBJECTS,
    CrossmatchTarget.ENTRIES: ENTRIES,
    CrossmatchTarget.DETECTIONS: DETECTIONS,
    CrossmatchTarget.CONTEXT: CONTEXT,
}


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of a table.

    Attributes
    ----------
    target : str
        One of :class:`CrossmatchTarget`.
    radius_arcsec : float
    is_best : bool
        The nearest row for each position, or all.
    ra_column, dec_column : str
        Where the positions stand; empty to look for them.
    file_format : str
        One of :class:`ExportFormat`.
    """

    target: str
    radius_arcsec: float
    is_best: bool = True
    ra_column: str = ""
    dec_column: str = ""
    file_format: str = ExportFormat.VOTABLE


def ask(person: User, content: bytes, name: str, question: Question) -> CrossmatchJob:
    """Take a table; a small one is matched at once, a large one by the task of the same name.

    Raises
    ------
    BadCrossmatch
        If it cannot be matched; ``field`` says which answer is to blame.
    """
    _check(person, question)
    sent = read(content, name, question.ra_column, question.dec_column)
    asked = asdict(question) | {"ra_column": sent.ra_column, "dec_column": sent.dec_column}
    job = CrossmatchJob(
        requester=person,
        upload_path=store.put(content),
        upload_name=name[:200],
        positions=len(sent),
        positions_missing=len(sent) - int(sent.is_placed.sum()),
        **asked,
    )
    with holding(job.pk):  # before it is there: a worker that came by would take it for abandoned
        job.save(force_insert=True)
        if len(sent) <= AT_ONCE:
            with job.working():
                _match(job, sent)
    return job


def _check(person: User, question: Question) -> None:
    radius = question.radius_arcsec
    if not (isfinite(radius) and 0 < radius <= MOST_RADIUS_ARCSEC):
        raise BadCrossmatch(
            f"radius is {radius}; it must lie above 0, up to {MOST_RADIUS_ARCSEC:g} arcseconds",
            "radius",
        )
    if _rows(person, question.target) is None:
        raise BadCrossmatch(f"you may not see {question.target}", "target")


def _rows(person: User, target: str) -> QuerySet[Any] | None:
    """Give the rows of a table that a person may see."""
    return BY_NAME[f"astrid.{target}"].rows(exports.caller_of(person))


def due() -> QuerySet[CrossmatchJob]:
    """Tables that nobody has matched yet; some of them are being matched."""
    return CrossmatchJob.objects.filter(status__in=UNFINISHED).order_by("id")


def work_off(job: CrossmatchJob) -> None:
    """Match a table, unless another process does or has; a failure is kept on the job."""
    filejobs.work_off(job, make)


def make(job: CrossmatchJob) -> None:
    """Match the table of a job that has been started."""
    content = store.get(job.upload_path)
    _match(job, read(content, job.upload_name, job.ra_column, job.dec_column))


def _match(job: CrossmatchJob, sent: Sent) -> None:
    rows = _rows(job.requester, job.target)
    if rows is None:
        raise BadCrossmatch(f"{job.requester} may no longer see {job.target}", "target")

    def progress(done: int) -> None:
        CrossmatchJob.objects.filter(pk=job.pk).update(positions_done=done)
        wake()

    target = Target(rows, _COLUMNS[job.target])
    with measured() as cost, tempfile.TemporaryFile() as out:
        found = matched(
            sent, target, job.radius_arcsec / 3600, is_best=job.is_best, progress=progress
        )
        try:
            number = writers.write(found, job.file_format, out)
        except writers.Unwritable as error:
            raise BadCrossmatch(str(error), "file_format") from error
        name = store.put_file(out)
    job.complete(
        rows=number,
        positions_done=job.positions,
        file_path=name,
        sha256=name.rpartition("/")[2],
        figures=asdict(cost),
        provenance={
            "columns": writers.schema_of(found),
            "inputs": {"table": job.upload_path},
            "outputs": {"file": name},
            "versions": versions(),
        },
    )


def of_person(person: User) -> QuerySet[CrossmatchJob]:
    """Give the tables that a person sent, the latest first."""
    return CrossmatchJob.objects.filter(requester=person).order_by("-id")
