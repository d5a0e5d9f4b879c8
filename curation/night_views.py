"""Pages about observing nights: the list, the certificate, its candidates, and its exports."""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from astrid.core.rights import View, for_people_who_may
from curation import fates, night_export
from curation.certificate import Certificate, certificate_of
from curation.fates import GROUPS, Fate, Group, Wanted
from curation.items import page_of
from observations import nights
from observations.nights import Night

NIGHTS_PER_PAGE = 30
ROWS_PER_PAGE = 100
# What the numbers of the first page count, beside the fates and their groups.
_OTHERS = {
    "scored": ("With a score", Wanted(scored=True)),
    "alerted": ("Told of by an alert", Wanted(alerted=True)),
}


def looking(view: View) -> View:
    """Show a page to whoever may see detections."""
    return require_safe(for_people_who_may("detection.view_detection")(view))


@looking
def night_list(request: HttpRequest) -> HttpResponse:
    """Show the nights with exposures, the newest first."""
    before = _night_or_none(request.GET.get("before", ""))
    found = nights.listed(NIGHTS_PER_PAGE + 1, before=before)
    context = {
        "title": "Nights",
        "nights": found[:NIGHTS_PER_PAGE],
        "earlier": found[NIGHTS_PER_PAGE - 1].night if len(found) > NIGHTS_PER_PAGE else None,
        "is_first": before is None,
    }
    return render(request, "curation/nights.html", context)


@looking
def certificate(request: HttpRequest, night: Night) -> HttpResponse:
    """Show what became of every candidate of a night."""
    found = _certificate(night)
    context = {
        "title": f"Night of {night}",
        "certificate": found,
        "night": night,
        "earlier": night.earlier,
        "later": night.later,
    }
    return render(request, "curation/night.html", context)


@looking
def candidates(request: HttpRequest, night: Night) -> HttpResponse:
    """List candidates of a night by what became of them."""
    frames = list(night.frames.values_list("pk", flat=True))
    words, wanted = _wanted(request.GET.get("of", ""))
    after = _uuid_or_none(request.GET.get("after", ""))
    found = fates.rows(frames, wanted, limit=ROWS_PER_PAGE + 1, after=after)
    context = {
        "title": f"Candidates of {night}",
        "night": night,
        "words": words,
        "of": request.GET.get("of", ""),
        "rows": [(row, _page(row)) for row in found[:ROWS_PER_PAGE]],
        "next": found[ROWS_PER_PAGE - 1].candidate if len(found) > ROWS_PER_PAGE else None,
        "choices": _choices(),
    }
    return render(request, "curation/night_candidates.html", context)


@looking
def as_csv(request: HttpRequest, night: Night) -> HttpResponseBase:
    """Give every candidate of a night as CSV."""
    return _file(night_export.as_csv(_certificate(night)), f"astrid-{night}.csv", "text/csv")


@looking
def as_json(request: HttpRequest, night: Night) -> HttpResponseBase:
    """Give the certificate with every candidate as JSON."""
    content = night_export.as_json(_certificate(night))
    return _file(content, f"astrid-{night}.json", "application/json")


def _file(content: Iterator[str], name: str, kind: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        content,
        content_type=f"{kind}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _certificate(night: Night) -> Certificate:
    found = certificate_of(night)
    if not found.frames:
        raise Http404(f"no exposure began in the night of {night}")
    return found


def _wanted(name: str) -> tuple[str, Wanted]:
    """Give what a word of the address asks for, in words too."""
    if not name:
        return "All candidates", Wanted()
    if name in _OTHERS:
        return _OTHERS[name]
    if name.removeprefix("fate-") in Fate and name.startswith("fate-"):
        fate = Fate(name.removeprefix("fate-"))
        return str(fate.label), Wanted(fates=(fate,))
    if name in Group:
        return str(Group(name).label), Wanted(fates=GROUPS[Group(name)])
    raise Http404(f"nothing becomes of candidates that is called {name!r}")


def _choices() -> list[tuple[str, str]]:
    groups = [(str(group), str(group.label)) for group in Group]
    return [("", "All candidates"), ("scored", _OTHERS["scored"][0]), *groups,
            ("alerted", _OTHERS["alerted"][0])]  # fmt: skip


def _page(row: fates.Row) -> str:
    return page_of(row.detection) if row.detection else ""


def _night_or_none(text: str) -> Night | None:
    try:
        return Night.named(date.fromisoformat(text)) if text else None
    except ValueError as error:
        raise Http404(f"{text!r} is no date") from error


def _uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise Http404(f"{text!r} is no id of a candidate") from error
