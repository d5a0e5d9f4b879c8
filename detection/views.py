"""The picture of a detection, for those who may see detections."""

from uuid import UUID

from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from astrid.core import store
from astrid.core.errors import MissingFile
from detection import pictures
from detection.models import Detection

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


def _cached(response: HttpResponse, etag: str) -> HttpResponse:
    response["Cache-Control"] = _FOREVER
    response["ETag"] = etag
    return response
