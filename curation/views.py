"""The console's pages: home, review, adjudication, and the curators."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe

from astrid.core.rights import for_people_who_may
from curation import curators_page, funnel, overview, roles
from curation.models import ConfidenceLevel, ReviewQueue
from curation.page_config import adjudication_config, config_of
from curation.queue import queues_for
from curation.services import DECIDE, JUDGE
from curation.tasks import measure_curators

REVIEW_WORDS = {
    "planes": [
        ("science", "Science"),
        ("reference", "Reference"),
        ("difference", "Difference"),
        ("significance", "Significance"),
    ],
    # In the places that swipes point to.
    "verdicts": [("bogus", "Bogus", "✕"), ("unsure", "Unsure", "?"), ("real", "Real", "●")],
    "tools": [
        ("stretch", "Stretch"),
        ("weaker", "Contrast \N{MINUS SIGN}"),
        ("stronger", "Contrast +"),
        ("invert", "Invert"),
        ("zoom", "Zoom"),
        ("difference", "Difference large"),
        ("comment", "Comment"),
        ("tag", "Tag"),
        ("sure", "How sure"),
        ("skip", "Skip"),
    ],
    "levels": ConfidenceLevel.choices,
    "skip_reasons": [
        "These pixels do not tell",
        "The pixels are missing or broken",
        "Somebody who knows this kind should judge",
    ],
}


@require_safe
@never_cache
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Show what came in, what waits for whom, and what went wrong; guests the catalog."""
    person: Any = request.user
    if not roles.sees_drafts(person):
        if person.has_perm("catalog.view_catalogentry"):
            return redirect("catalog:entries")
        raise PermissionDenied
    work = overview.work_of(person) if person.has_perm(JUDGE) else None
    context = {
        "title": "Overview",
        "funnel": funnel.funnel(),
        "work": work,
        # A look at the best ones before their turn would not be blind.
        "promising": [] if work and work.is_blind else overview.most_promising(),
        "oldest": overview.oldest_waiting(),
        "disputed": overview.disputed(),
        "many_disputed": overview.DISPUTES_COUNTED,
        "failures": overview.failures(),
    }
    return render(request, "curation/home.html", context)


@require_safe
@ensure_csrf_cookie
@for_people_who_may(JUDGE)
def review(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Show the page that takes verdicts on one queue; its scripts do the rest."""
    return _page(request, slug, "curation/review.html", REVIEW_WORDS | {"title": "Review"})


@require_safe
@ensure_csrf_cookie
@for_people_who_may(JUDGE)
def sheet(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Show the differences of one queue thirty at a time; bogus unless marked."""
    return _page(request, slug, "curation/sheet.html", REVIEW_WORDS | {"title": "Contact sheet"})


@require_safe
@ensure_csrf_cookie
@for_people_who_may(JUDGE, DECIDE)
def adjudicate(request: HttpRequest) -> HttpResponse:
    """Show the page on which somebody decides what curators disagree on."""
    config = adjudication_config(request.user)  # type: ignore[arg-type]
    context = {"title": "Adjudication", "config": config, **REVIEW_WORDS}
    return render(request, "curation/adjudicate.html", context)


@require_safe
@for_people_who_may("detection.view_detection")
def curators(request: HttpRequest) -> HttpResponse:
    """Show how curators judge and how far they agree: to each their own, to operators all."""
    context = {"title": "Curators", **curators_page.context_of(request.user)}  # type: ignore[arg-type]
    return render(request, "curation/curators.html", context)


@require_POST
@for_people_who_may(DECIDE)
def measure(request: HttpRequest) -> HttpResponse:
    """Weigh all verdicts anew, and measure the curators."""
    measure_curators()
    messages.success(request, "All verdicts were weighed, and the curators measured, anew.")
    return redirect("curation:curators")


def _page(request: HttpRequest, slug: str, template: str, words: dict[str, Any]) -> HttpResponse:
    queues = queues_for(request.user)  # type: ignore[arg-type]
    queue = _chosen(queues, slug)
    config = config_of(queue, request.user) if queue else None  # type: ignore[arg-type]
    return render(request, template, {"queues": queues, "queue": queue, "config": config, **words})


def _chosen(queues: list[ReviewQueue], slug: str) -> ReviewQueue | None:
    if not slug:
        return next(iter(queues), None)
    for queue in queues:
        if queue.slug == slug:
            return queue
    raise Http404(f"there is no queue {slug!r} for you")
