"""The page on which tables are matched."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from astrid.core.hints import hint
from astrid.core.rights import for_people_who_may
from catalog import tasks
from catalog.crossmatch import service
from catalog.crossmatch.errors import BadCrossmatch
from catalog.crossmatch.forms import CrossmatchForm
from catalog.models import CrossmatchJob

_SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
@for_people_who_may("catalog.add_crossmatchjob")
def crossmatch(request: HttpRequest) -> HttpResponse:
    """Take a table, and show what became of those that were sent before."""
    form = CrossmatchForm(request.POST or None, request.FILES or None)
    if form.is_valid() and (job := _asked(request, form)) is not None:
        messages.success(request, _said(job))
        return redirect("catalog:crossmatch")
    person: Any = request.user
    jobs = service.of_person(person)[:_SHOWN]
    context = {"title": "Cross-match", "form": form, "jobs": jobs}
    status = 400 if form.errors else 200
    return render(request, "catalog/crossmatch.html", context, status=status)


def _asked(request: HttpRequest, form: CrossmatchForm) -> CrossmatchJob | None:
    file: Any = request.FILES["file"]
    person: Any = request.user
    try:
        job = service.ask(person, file.read(), file.name, form.question())
    except BadCrossmatch as error:
        form.add_error(error.field, str(error))
        return None
    if not job.file_path:
        hint(tasks.crossmatch, str(job.pk))
    return job


def _said(job: CrossmatchJob) -> str:
    if job.file_path:
        return f"{job.upload_name}: {job.rows} matches."
    return f"{job.upload_name} with {job.positions:,} rows is being matched."
