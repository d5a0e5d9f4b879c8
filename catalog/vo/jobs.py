"""TAP for queries that take their time: ``/vo/tap/async``, by the Universal Worker Service."""

import time
from datetime import UTC, datetime
from uuid import UUID

from django.core.files.storage import storages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from rest_framework.request import Request

from astrid.core.errors import InvalidTransition
from astrid.core.store import ALIAS
from catalog.vo import formats, uws, votable
from catalog.vo.doors import VoView, plain
from catalog.vo.errors import BadValue, NotFound, VoError
from catalog.vo.models import ENDED, TapJob, TapStatus
from catalog.vo.requests import Asked, finite

XML = "text/xml; charset=utf-8"
LONGEST_WAIT_S = 30.0
_LOOK_EVERY_S = 0.2


class _JobView(VoView):
    def job(self, key: UUID) -> TapJob:
        """Give a job that the caller may see: their own, or one that nobody owns."""
        caller = self.caller()
        found = TapJob.objects.filter(pk=key).first()
        user = caller.user if caller.is_known else None
        if found is None or (found.owner_id and (user is None or found.owner_id != user.pk)):
            raise NotFound(f"there is no query {key} of yours")
        return found

    def back(self, key: UUID | None = None) -> HttpResponse:
        """Lead to a job, or to the list of all."""
        address = f"{self.caller().root}/vo/tap/async" + (f"/{key}" if key else "")
        return HttpResponseRedirect(address, status=303)

    def start(self, job: TapJob, phase: str) -> None:
        """Do what PHASE asks for."""
        try:
            if phase.upper() == "RUN":
                uws.queue(job)
            elif phase.upper() == "ABORT":
                uws.abort(job)
            elif phase:
                raise BadValue(f"PHASE is {phase[:40]!r}; it must be RUN or ABORT")
        except InvalidTransition as error:
            raise VoError(str(error)) from error


class JobsView(_JobView):
    """The list of one's queries; a new one is posted here."""

    def get(self, request: Request) -> HttpResponse:
        """List the queries of whoever is signed in; those of nobody are known by their address."""
        asked, caller = self.asked(), self.caller()
        rows = TapJob.objects.none()
        if caller.is_known:
            rows = TapJob.objects.filter(owner=caller.user.pk)  # type: ignore[union-attr]
        phases = {each.lower() for each in asked.many("PHASE")}
        if phases:
            rows = rows.filter(status__in=phases)
        last = asked.one("LAST")
        if last:
            rows = rows[: int(finite("LAST", last))] if finite("LAST", last) >= 1 else rows.none()
        return render(request._request, "vo/jobs.xml", {"jobs": rows}, content_type=XML)

    def post(self, request: Request) -> HttpResponse:
        """Keep a query, and run it at once if PHASE says so."""
        asked = self.asked()
        job = uws.create(self.caller(), asked, request.FILES)
        self.start(job, asked.one("PHASE"))
        return self.back(job.pk)


class JobView(_JobView):
    """One query."""

    def get(self, request: Request, key: UUID) -> HttpResponse:
        """Describe it; WAIT holds the answer until its phase has changed."""
        job = self.job(key)
        wait = self.asked().one("WAIT")
        if wait:
            job = self._waited(job, finite("WAIT", wait), self.asked())
        return render(request._request, "vo/job.xml", {"job": job}, content_type=XML)

    def _waited(self, job: TapJob, seconds: float, asked: Asked) -> TapJob:
        end = time.monotonic() + (LONGEST_WAIT_S if seconds < 0 else min(seconds, LONGEST_WAIT_S))
        before = asked.one("PHASE", job.status).lower()
        while job.status == before and job.status not in ENDED and time.monotonic() < end:
            time.sleep(_LOOK_EVERY_S)
            job.refresh_from_db(fields=["status"])
        job.refresh_from_db()
        return job

    def post(self, request: Request, key: UUID) -> HttpResponse:
        """Change its parameters, or remove it with ACTION=DELETE."""
        job, asked = self.job(key), self.asked()
        if asked.one("ACTION").upper() == "DELETE":
            return self.delete(request, key)
        uws.change(job, asked, request.FILES)
        self.start(job, asked.one("PHASE"))
        return self.back(job.pk)

    def delete(self, request: Request, key: UUID) -> HttpResponse:
        """Remove it with its answer."""
        uws.destroy(self.job(key))
        return self.back()


class PartView(_JobView):
    """One property of a query."""

    def get(self, request: Request, key: UUID, part: str) -> HttpResponse:
        """Tell it."""
        job = self.job(key)
        if part in ("parameters", "results"):
            return render(request._request, f"vo/{part}.xml", {"job": job}, content_type=XML)
        if part == "error":
            if job.status != TapStatus.ERROR:
                raise NotFound(f"the query is {job.status}: there is no error")
            return HttpResponse(votable.error(job.error_message), content_type=formats.VOTABLE)
        told = {
            "phase": job.status.upper(),
            "owner": job.owner.get_username() if job.owner else "",
            "quote": "",  # how long it will take is not foretold
            "executionduration": f"{job.duration_seconds:.0f}",
            "destruction": _moment(job.destruction),
        }
        return plain(told[part])

    def post(self, request: Request, key: UUID, part: str) -> HttpResponse:
        """Change it."""
        job, asked = self.job(key), self.asked()
        if part == "phase":
            self.start(job, asked.needed("PHASE"))
        elif part == "executionduration":
            seconds = finite("EXECUTIONDURATION", asked.needed("EXECUTIONDURATION"))
            uws.limit(job, seconds=seconds)
        elif part == "destruction":
            uws.limit(job, destruction=_read_moment(asked.needed("DESTRUCTION")))
        elif part == "parameters":
            uws.change(job, asked, request.FILES)
        else:
            raise VoError(f"{part} cannot be changed")
        return self.back(job.pk)


class ResultView(_JobView):
    """The answer of a query."""

    def get(self, request: Request, key: UUID) -> HttpResponse:
        """Send the file."""
        job = self.job(key)
        if job.status != TapStatus.COMPLETED:
            raise NotFound(f"the query is {job.status}: there is no result")
        with storages[ALIAS].open(job.result_path) as stored:
            return HttpResponse(stored.read(), content_type=job.result_type)


def _moment(when: datetime) -> str:
    # To the second, as the description of the whole job has it.
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read_moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadValue(
            f"DESTRUCTION is {text[:40]!r}; it must be like 2030-01-31T12:00:00Z"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
