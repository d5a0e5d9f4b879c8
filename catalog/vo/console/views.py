"""The page on which people ask the tables in ADQL, and see what became of queued queries."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_POST

from astrid.core.errors import InvalidTransition
from astrid.core.rights import for_people_who_may
from catalog import config
from catalog.vo import formats, uws
from catalog.vo.adql.errors import AdqlError
from catalog.vo.answers import Limits, ask
from catalog.vo.console.forms import QueryForm
from catalog.vo.console.shown import described, shown
from catalog.vo.errors import VoError
from catalog.vo.examples import EXAMPLES
from catalog.vo.models import ENDED, TapJob
from catalog.vo.requests import Asked
from catalog.vo.visible import Caller, published_for

SEE = "catalog.view_catalogentry"
_MOST_JOBS = 20
_DOWNLOADS = {"votable": "binary2", "csv": "csv"}


@require_http_methods(["GET", "HEAD", "POST"])
@for_people_who_may(SEE)
def tables(request: HttpRequest) -> HttpResponse:
    """Take a query, answer it, and list the tables and the queries that were queued."""
    caller = _caller(request)
    form = QueryForm(request.POST or None, initial=_initial(request))
    found: Any = None
    if form.is_valid():
        try:
            found = _done(request.POST.get("action", ""), form, caller)
        except (AdqlError, VoError) as error:
            form.add_error("query", str(error))
    if isinstance(found, HttpResponse):
        return found
    context = {
        "title": "Tables (ADQL)",
        "form": form,
        "answer": found,
        "examples": EXAMPLES,
        "tables": list(described(published_for(caller).all())),
        "jobs": _own(request)[:_MOST_JOBS],
        "ended": ENDED,
    }
    return render(request, "catalog/tap.html", context, status=400 if form.errors else 200)


@require_POST
@for_people_who_may(SEE)
def job(request: HttpRequest, key: UUID, action: str) -> HttpResponse:
    """Call a queued query off, or remove it with its answer."""
    row = get_object_or_404(_own(request), pk=key)
    try:
        uws.abort(row) if action == "abort" else uws.destroy(row)
    except InvalidTransition:  # it ended in this very moment
        messages.warning(request, "The query had ended already.")
    else:
        messages.success(request, "Called off." if action == "abort" else "Removed.")
    return redirect("catalog:tap")


def _caller(request: HttpRequest) -> Caller:
    root = request.build_absolute_uri("/").rstrip("/")
    return Caller(request.user, root, config.get("vo"))


def _own(request: HttpRequest) -> QuerySet[TapJob]:
    return TapJob.objects.filter(owner=request.user.pk)


def _initial(request: HttpRequest) -> dict[str, str]:
    """Begin with the example or the queued query that the address names."""
    for each in EXAMPLES:
        if each.name == request.GET.get("example"):
            return {"query": each.query}
    key = _key(request.GET.get("job", ""))
    row = _own(request).filter(pk=key).first() if key else None
    return {"query": row.query} if row else {}


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _done(action: str, form: QueryForm, caller: Caller) -> Any:
    query, most = form.cleaned_data["query"], form.cleaned_data["maxrec"]
    if action == "queue":
        return _queued(query, most, caller)
    settings = caller.settings
    rows = settings.default_rows if most is None else min(most, settings.max_rows)
    answer = ask(query, published_for(caller), Limits(rows, settings.sync_seconds))
    name = _DOWNLOADS.get(action)
    if name is None:
        return shown(answer)
    response = HttpResponse(formats.written(answer, name), content_type=formats.TYPES[name])
    ending = f"answer.{formats.ENDINGS[name]}"
    response["Content-Disposition"] = content_disposition_header(True, ending) or "attachment"
    return response


def _queued(query: str, most: int | None, caller: Caller) -> HttpResponse:
    limit = {} if most is None else {"MAXREC": (str(most),)}
    row = uws.create(caller, Asked({"QUERY": (query,), "LANG": ("ADQL",), **limit}), {})
    uws.queue(row)
    return redirect("catalog:tap")
