"""The console: home, and one detection at a time."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from astrid.core.errors import AstridError
from curation import leases, overview, policy
from curation.forms import ReviewForm, errors_in_words
from curation.models import ReviewTask
from curation.parameters import ReviewPolicy
from curation.queue import queues_for
from curation.services import JUDGE
from detection.history import epochs_of
from detection.models import Detection
from detection.wording import figures_of

SHOWN = ("triplet", "figures", "history")
_RELATED = (
    "detection__observation__survey",
    "detection__candidate",
    "detection__sky_object",
)


@require_safe
@never_cache
@login_required
@permission_required("detection.view_detection", raise_exception=True)
def home(request: HttpRequest) -> HttpResponse:
    """Show what came in, what waits, and what went wrong."""
    context = {
        "title": "Overview",
        "funnel": overview.funnel(),
        "newest": overview.newest(),
        "failures": overview.failures(),
        "can_judge": request.user.has_perm(JUDGE),
    }
    return render(request, "curation/home.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
@permission_required(JUDGE, raise_exception=True)
def review(request: HttpRequest) -> HttpResponse:
    """Record the verdict that was posted, if any, and show the next detection."""
    if request.method == "POST":
        _record(request)
        return redirect("curation:review")
    return _next_page(request)


def _record(request: HttpRequest) -> None:
    form = ReviewForm(request.POST)
    if not form.is_valid():
        messages.error(request, errors_in_words(form))
        return
    detection = get_object_or_404(Detection, pk=form.cleaned_data["detection"])
    try:
        event = form.record(detection, request.user, SHOWN)  # type: ignore[arg-type]
    except AstridError as error:
        messages.error(request, str(error))
    else:
        said = f"{event.verdict} ({event.label})" if event.label else event.verdict
        messages.success(request, f"Recorded: {said}; the detection is {detection.status}.")
        request.session["last_judged"] = str(detection.pk)


def _next_page(request: HttpRequest) -> HttpResponse:
    user, in_force = request.user, policy.in_force(ReviewPolicy)
    queue = next(iter(queues_for(user)), None)  # type: ignore[arg-type]
    leased = leases.take(queue, user, in_force).tasks if queue else []  # type: ignore[arg-type]
    context = {
        "title": "Review",
        "waiting": leases.waiting_for(queue, user) if queue else 0,  # type: ignore[arg-type]
        "last_judged": request.session.get("last_judged"),
    }
    if leased:
        detection = ReviewTask.objects.select_related(*_RELATED).get(pk=leased[0]).detection
        context |= {
            "detection": detection,
            "figures": figures_of(detection),
            "epochs": epochs_of(detection),
            "form": ReviewForm(initial={"detection": detection.pk}),
        }
    return render(request, "curation/review.html", context)
