"""The pages on which people keep queries: made, changed, run now or every night, fetched."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from astrid.core.hints import hint
from astrid.core.rights import for_people_who_may
from catalog import tasks
from catalog.exports import saved, service
from catalog.exports.forms import SavedQueryForm
from catalog.exports.models import SavedQuery
from catalog.vo.console.shown import described

_MOST = 200
_EXAMPLE = "SELECT designation, ra, dec FROM astrid.objects WHERE number_of_detections > 2"


@require_safe
@for_people_who_may("catalog.view_savedquery")
def kept(request: HttpRequest) -> HttpResponse:
    """List one's own queries and those that others share, with the newest file of each."""
    person: Any = request.user
    shown = SavedQuery.objects.shown_to(person).select_related("owner").order_by("name", "id")
    rows = list(shown[:_MOST])
    files = saved.latest(rows, person)
    for row in rows:
        row.file = files.get(row.pk)  # type: ignore[attr-defined]
        row.is_own = row.may_be_changed_by(person)  # type: ignore[attr-defined]
    return render(request, "catalog/queries.html", {"title": "Saved queries", "queries": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@for_people_who_may("catalog.add_savedquery")
def make(request: HttpRequest) -> HttpResponse:
    """Keep a new query."""
    return _filled_in(request, SavedQuery(adql=_EXAMPLE), "New query")


@require_http_methods(["GET", "HEAD", "POST"])
@for_people_who_may("catalog.change_savedquery")
def change(request: HttpRequest, key: UUID) -> HttpResponse:
    """Change a query of one's own."""
    row = _own(request, key)
    return _filled_in(request, row, row.name)


def _filled_in(request: HttpRequest, row: SavedQuery, title: str) -> HttpResponse:
    person: Any = request.user
    form = SavedQueryForm(request.POST or None, instance=row)
    form.person = person
    if form.is_valid():
        saved.keep(form.save(commit=False), person)
        messages.success(request, f"{row} is kept.")
        return redirect("queries:kept")
    tables = list(described(service.seen_by(person).all()))
    context = {"title": title, "form": form, "query": row, "tables": tables}
    status = 400 if form.errors else 200
    return render(request, "catalog/query.html", context, status=status)


@require_POST
@for_people_who_may("catalog.add_exportjob")
def run(request: HttpRequest, key: UUID) -> HttpResponse:
    """Ask for a file of a query now, with what this person may see."""
    person: Any = request.user
    row = get_object_or_404(SavedQuery.objects.shown_to(person), pk=key)
    try:
        job = saved.run(row, person)
    except service.BadExport as error:
        messages.error(request, f"{row}: {error}")
    else:
        hint(tasks.export, str(job.pk))
        messages.success(request, f"{row} is asked for; its file shows up here when it is made.")
    return redirect("queries:kept")


@require_POST
@for_people_who_may("catalog.delete_savedquery")
def delete(request: HttpRequest, key: UUID) -> HttpResponse:
    """Delete a query of one's own; the files that were made of it stay."""
    row = _own(request, key)
    saved.drop(row)
    messages.success(request, f"{row} is deleted; its files are still among the exports.")
    return redirect("queries:kept")


def _own(request: HttpRequest, key: UUID) -> SavedQuery:
    person: Any = request.user
    rows: Any = SavedQuery.objects if person.is_superuser else SavedQuery.objects.shown_to(person)
    row: SavedQuery = get_object_or_404(rows, pk=key)
    if not row.may_be_changed_by(person):
        raise PermissionDenied(f"{row} is {row.owner}'s: run it, or keep one of your own")
    return row
