"""Marks of what a client has seen: who would change something else is refused.

Reference: Fielding, Nottingham & Reschke 2022, HTTP Semantics, RFC 9110, section 13.
"""

from typing import Any

from django.http import HttpResponse
from django.utils.cache import set_response_etag
from django.utils.http import parse_etags
from rest_framework.renderers import JSONRenderer

from astrid.core.rest.refusals import Stale


def mark_of(row: Any) -> str:
    """Give the mark of a row as it is shown alone, whole."""
    shown = set_response_etag(HttpResponse(JSONRenderer().render(row)))
    return str(shown.headers["ETag"])


def check(request: Any, row: Any) -> None:
    """Refuse a change of a row that is no longer as ``If-Match`` has it, where that is said.

    Raises
    ------
    Stale
        If it is another.
    """
    seen = parse_etags(request.headers.get("If-Match", "*"))
    if "*" not in seen and (mark := mark_of(row)) not in seen:
        raise Stale(f"The row is now {mark}: look at it again before you change it.")
