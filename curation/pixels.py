"""The pixels of an item, as numbers: the browser stretches them."""

import zipfile

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from astrid.core import store
from astrid.core.errors import CorruptFile, MissingFile
from detection import cutouts

VIEW = "detection.view_detection"
# The address is the hash of the content: what was fetched once is never asked for again.
_FOREVER = "private, max-age=31536000, immutable"


@require_safe
def pixels(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """Give stored cutouts as bare float16, little endian: plane, row from below, column.

    They were cut when the detection was made; here they are only unpacked.
    """
    if not request.user.is_authenticated:
        return _refusal("sign in again to see pixels", "signed_out", 401)
    if not request.user.has_perm(VIEW):
        return _refusal("you may not look at detections; ask an operator", "not_allowed", 403)
    etag = f'"{sha256}"'
    if etag in request.headers.get("If-None-Match", ""):
        return _kept(HttpResponseNotModified(), etag)
    try:
        stamps = cutouts.from_npz(store.get(store.name_of(sha256)))
    except MissingFile:
        return _refusal("the pixels of this item have gone; judge others", "gone", 404)
    except (CorruptFile, ValueError, zipfile.BadZipFile):
        return _refusal("the pixels of this item cannot be read; judge others", "gone", 404)
    content = stamps.astype("<f2", copy=False).tobytes()
    return _kept(HttpResponse(content, content_type="application/octet-stream"), etag)


def _refusal(words: str, code: str, status: int) -> JsonResponse:
    return JsonResponse({"error": words, "code": code}, status=status)


def _kept(response: HttpResponse, etag: str) -> HttpResponse:
    response["Cache-Control"] = _FOREVER
    response["ETag"] = etag
    return response
