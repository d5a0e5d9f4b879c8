"""The pictures of detections and the files of inferences, for those who may see them."""

from uuid import UUID

from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from astrid.core import store
from astrid.core.errors import MissingFile
from detection import pictures, runfiles
from detection.models import Detection, ModelRun

# The address holds the hash of the content: what was fetched once is never asked for again.
_FOREVER = "private, max-age=31536000, immutable"


@require_safe
@login_required
@permission_required("detection.view_detection", raise_exception=True)
def picture(request: HttpRequest, detection_id: UUID, version: str) -> HttpResponse:
    """Stream the picture of a detection; 404 where it is gone or another version is asked for."""
    detection = get_object_or_404(Detection, pk=detection_id)
    if version != pictures.version_of(detection):
        raise Http404("the detection has another picture now; reload the page that shows it")
    etag = f'"{version}"'
    if etag in request.headers.get("If-None-Match", ""):
        return _cached(HttpResponseNotModified(), etag)
    try:
        content = store.get(detection.thumbnail_path)
    except MissingFile as error:
        raise Http404(str(error)) from error
    return _cached(HttpResponse(content, content_type="image/png"), etag)


def run_file(key: UUID, name: str, version: str) -> HttpResponse:
    """Stream a file of an inference; 404 where it is gone or another version is asked for."""
    run = get_object_or_404(ModelRun.objects.select_related("observation"), pk=key)
    file = runfiles.FILES.get(name)
    if file is None or version != runfiles.version_of(run, name):
        raise Http404(f"{run} has no such file; reload the page that shows it")
    try:
        content = store.get(getattr(run, file.column))
    except MissingFile as error:
        raise Http404(str(error)) from error
    response = HttpResponse(content, content_type=file.content_type)
    if not file.is_shown:
        saved_as = runfiles.download_name(run, name)
        disposition = content_disposition_header(as_attachment=True, filename=saved_as)
        response["Content-Disposition"] = disposition or "attachment"
    return _cached(response, f'"{version}"')


def _cached(response: HttpResponse, etag: str) -> HttpResponse:
    response["Cache-Control"] = _FOREVER
    response["ETag"] = etag
    return response
