"""The page of daily summaries, and the same as a file to print."""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from astrid.core.rights import for_people_who_may
from catalog.analytics import report
from catalog.analytics.forms import WantedForm, usual

SEE = "catalog.view_analytics"


@require_safe
@for_people_who_may(SEE)
def page(request: HttpRequest) -> HttpResponse:
    """Show what was done in some days."""
    days = {name: str(getattr(usual(), name)) for name in ("first", "last")}
    form = WantedForm(days | {name: value for name, value in request.GET.items() if value})
    person: Any = request.user
    context = {
        "title": "Summaries",
        "form": form,
        "query": request.GET.urlencode(),
        **report.context_of(form.wanted, person),
    }
    return render(request, "catalog/analytics.html", context)


@require_safe
@for_people_who_may(SEE)
def download(request: HttpRequest) -> HttpResponse:
    """Give the report as one file that needs nothing else."""
    form = WantedForm(request.GET)
    person: Any = request.user
    text = report.written(form.wanted, person)
    name = name_of(form.wanted.first, form.wanted.last)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, headers=headers)


def name_of(first: date, last: date) -> str:
    """Give the name under which a report is saved."""
    return f"astrid-report-{first}-to-{last}.html"
