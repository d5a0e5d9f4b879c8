"""A stored file over HTTP, whole or from where a broken download stopped.

Reference: RFC 9110, section 14 (range requests).
"""

import re
from collections.abc import Iterator

from django.core.files.storage import storages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from astrid.core import store
from astrid.core.errors import MissingFile
from catalog.exports.writers import CONTENT_TYPES, ENDINGS
from catalog.models import CrossmatchJob, ExportJob

PART_BYTES = 1 << 18
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


def file_of(
    job: ExportJob | CrossmatchJob, request: HttpRequest
) -> HttpResponse | StreamingHttpResponse:
    """Send the file of a job.

    Raises
    ------
    MissingFile
        If the storage does not have it.
    """
    storage = storages[store.ALIAS]
    if not storage.exists(job.file_path):
        raise MissingFile(f"the file of {job} is gone; ask for it again")
    etag = f'"{job.sha256}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers={"ETag": etag})
    size = storage.size(job.file_path)
    first, last = 0, size - 1
    # A range of another file than the one that is here would be a wrong piece.
    is_same = request.headers.get("If-Range", etag) == etag
    asked = _RANGE.fullmatch(request.headers.get("Range", "")) if is_same else None
    if asked:
        first, last = int(asked[1]), min(int(asked[2] or last), last)
        if first > last:
            return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Length": str(last - first + 1),
        "Content-Disposition": f'attachment; filename="{name_of(job)}"',
        "ETag": etag,
    }
    if asked:
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    parts = _parts(job.file_path, first, last - first + 1)
    kind = CONTENT_TYPES[job.file_format]
    return StreamingHttpResponse(
        parts, status=206 if asked else 200, content_type=kind, headers=headers
    )


def name_of(job: ExportJob | CrossmatchJob) -> str:
    """Give the name under which a file is saved."""
    return f"astrid-{job.created_at:%Y%m%d-%H%M%S}.{ENDINGS[job.file_format]}"


def _parts(name: str, first: int, number: int) -> Iterator[bytes]:
    with storages[store.ALIAS].open(name) as file:
        file.seek(first)
        while number > 0 and (part := file.read(min(PART_BYTES, number))):
            number -= len(part)
            yield part
