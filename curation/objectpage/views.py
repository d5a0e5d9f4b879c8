"""The addresses of the object page: the page, its parts, its verdicts, its files."""

from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST, require_safe

from astrid.core import store
from astrid.core.errors import AstridError, CorruptFile, MissingFile
from astrid.core.rights import View, for_people_who_may
from curation.errors import NotFound
from curation.forms import VerdictForm, errors_in_words
from curation.objectpage import files, page
from curation.objectpage.lineage import may_see, steps_of
from curation.objectpage.subject import (
    Subject,
    is_held_by,
    of_detection,
    of_epoch,
    of_object,
)
from curation.objectpage.surroundings import around
from curation.services import JUDGE
from detection import cutouts
from detection.models import Detection

VIEW = "detection.view_detection"
VIEW_DIFFERENCES = "differencing.view_differencerun"
DIFFERENCE_FILES = {
    "difference": "difference_image_path",
    "significance": "significance_map_path",
}


def for_viewers(view: View) -> View:
    """Let people in who may look at detections; what is not there is a 404 in one sentence."""

    @for_people_who_may(VIEW)
    @wraps(view)
    def answer(request: HttpRequest, **parts: Any) -> HttpResponseBase:
        try:
            return view(request, **parts)
        except NotFound as error:
            raise Http404(str(error)) from error

    return answer


def person_of(request: HttpRequest) -> User:
    """Give the person who is signed in."""
    return request.user  # type: ignore[return-value]


@require_safe
@gzip_page
@ensure_csrf_cookie
@for_viewers
def of_one_object(request: HttpRequest, key: UUID) -> HttpResponse:
    """Show an object, at its last epoch."""
    person = person_of(request)
    context = page.context_of(of_object(key, person), person)
    return render(request, "curation/object.html", context)


@require_safe
@gzip_page
@ensure_csrf_cookie
@for_viewers
def of_one_detection(request: HttpRequest, key: UUID) -> HttpResponse:
    """Show the object of a detection, at its epoch."""
    person = person_of(request)
    context = page.context_of(of_detection(key, person), person)
    return render(request, "curation/object.html", context)


# --- parts that come when they are wanted


@require_safe
@gzip_page
@for_viewers
def lineage(request: HttpRequest, key: UUID) -> HttpResponse:
    """Show how a detection came about, and what came of it."""
    subject = of_epoch(key, person_of(request))
    steps = steps_of(subject)
    seen = {id(step) for step in steps if may_see(person_of(request), step.row)}
    context = {"steps": steps, "seen": seen, "subject": subject, "files": _files(request, subject)}
    return render(request, "curation/object/_lineage.html", context)


@require_safe
@gzip_page
@for_viewers
def surroundings(request: HttpRequest, key: UUID) -> HttpResponse:
    """Show the finder chart and what lies near."""
    subject = of_epoch(key, person_of(request))
    context = {"found": around(subject), "subject": subject}
    return render(request, "curation/object/_surroundings.html", context)


# --- verdicts


@require_POST
@login_required
@permission_required(JUDGE, raise_exception=True)
def verdict(request: HttpRequest, key: UUID) -> HttpResponse:
    """Record a verdict, a comment or a withdrawal from the page."""
    person = person_of(request)
    detection = get_object_or_404(Detection, pk=key)
    form = VerdictForm(request.POST)
    if is_held_by(person, [detection.pk]):
        messages.error(request, page.HELD)
    elif not form.is_valid():
        messages.error(request, errors_in_words(form))
    else:
        _record(request, detection, form)
    return HttpResponseRedirect(detection.get_absolute_url())


def _record(request: HttpRequest, detection: Detection, form: VerdictForm) -> None:
    try:
        event = form.record(detection, person_of(request), page.SHOWN)
    except AstridError as error:
        messages.error(request, str(error))
    else:
        words = f"Recorded: {event.verdict} ({event.label or 'no label'})."
        messages.success(request, f"{words} The detection is {detection.status}.")


# --- files


@require_safe
@for_viewers
def light_curve(request: HttpRequest, key: UUID, ending: str) -> HttpResponse:
    """Give the light curve as a table."""
    if ending not in files.FORMATS:
        raise NotFound(f"there is no light curve as {ending!r}; there are {[*files.FORMATS]}")
    subject = of_detection(key, person_of(request))
    table = files.light_curve(subject, page.history_of(subject))
    name = f"{slugify(subject.name)}.{ending}"
    return _download(files.written(table, ending), name, files.FORMATS[ending][1])


@require_safe
@for_viewers
def as_json(request: HttpRequest, key: UUID) -> HttpResponse:
    """Give what the page shows as JSON."""
    subject = of_detection(key, person_of(request))
    return JsonResponse(page.facts_of(subject), json_dumps_params={"indent": 1})


@require_safe
@for_viewers
def cutouts_fits(request: HttpRequest, key: UUID) -> HttpResponse:
    """Give the cutouts of a detection as FITS."""
    subject = of_epoch(key, person_of(request))
    detection = subject.epoch
    content = _stored(detection.cutouts_path, "the cutouts of this detection")
    made = files.cutouts_fits(detection, cutouts.from_npz(content))
    frame = slugify(detection.observation.observation_id)
    return _download(made, f"{slugify(subject.name)}_{frame}.fits", "application/fits")


@require_safe
@for_viewers
@permission_required(VIEW_DIFFERENCES, raise_exception=True)
def difference_file(request: HttpRequest, key: UUID, name: str) -> HttpResponse:
    """Give a file of the subtraction in which a detection was found."""
    detection = of_epoch(key, person_of(request)).epoch
    run = detection.model_run.difference_run
    column = DIFFERENCE_FILES.get(name, "")
    path = getattr(run, column) if run is not None and column else ""
    content = _stored(path or "", f"the {name} file of this detection")
    frame = slugify(detection.observation.observation_id)
    return _download(content, f"{frame}_{name}.fits", "application/fits")


def _stored(path: str, words: str) -> bytes:
    if not path:
        raise NotFound(f"{words} was never stored")
    try:
        return store.get(path)
    except (MissingFile, CorruptFile) as error:
        raise NotFound(f"{words} cannot be read: {error}") from error


def _download(content: bytes, name: str, kind: str) -> HttpResponse:
    response = HttpResponse(content, content_type=kind)
    disposition = content_disposition_header(as_attachment=True, filename=name)
    response["Content-Disposition"] = disposition or "attachment"
    return response


def _files(request: HttpRequest, subject: Subject) -> list[str]:
    """Name the files of the subtraction that this person may have."""
    run = subject.epoch.model_run.difference_run
    if run is None or not request.user.has_perm(VIEW_DIFFERENCES):
        return []
    return [name for name, column in DIFFERENCE_FILES.items() if getattr(run, column)]
