"""What is wrong with a request, told the same way everywhere: as problem details.

Reference: Nottingham, Wilde & Dalal 2023, Problem Details for HTTP APIs, RFC 9457.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from rest_framework import exceptions
from rest_framework.views import set_rollback

from astrid.core.errors import AstridError, InvalidTransition
from astrid.core.rest.refusals import Conflict, TooLarge

MEDIA_TYPE = "application/problem+json"
ROOT = "/api/"
_TOLD = 3  # faults that the sentence names; all stand in the list


def told(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Answer an error of a view; None for what nobody expected, which goes on to the log."""
    known = _as_api_error(error)
    if known is None:
        return None
    set_rollback()
    request = context.get("request")
    is_sent = getattr(request, "method", "GET") in ("POST", "PUT", "PATCH")
    answer = problem(known.status_code, **_facts_of(known, is_sent=is_sent))
    for name, value in _headers_of(known):
        answer[name] = value
    return answer


def problem(status: int, detail: str, **more: Any) -> HttpResponse:
    """Write problem details."""
    words, facts = {"ensure_ascii": False}, facts_of(status, detail, **more)
    return JsonResponse(facts, status=status, content_type=MEDIA_TYPE, json_dumps_params=words)


def facts_of(status: int, detail: str, **more: Any) -> dict[str, Any]:
    """Give the members of problem details."""
    return {
        "type": "about:blank",  # RFC 9457, section 4.2.1: the status says it all
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **more,
    }


def _as_api_error(error: Exception) -> exceptions.APIException | None:
    if isinstance(error, exceptions.APIException):
        return error
    if isinstance(error, Http404):
        return exceptions.NotFound(str(error) or None)
    if isinstance(error, DjangoPermissionDenied):
        return exceptions.PermissionDenied(str(error) or None)
    if isinstance(error, InvalidTransition):
        return Conflict(str(error))
    if isinstance(error, AstridError):
        return exceptions.ValidationError(str(error))
    if isinstance(error, RequestDataTooBig):
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        return TooLarge(f"The body is longer than the {most} bytes that are read here.")
    if isinstance(error, SuspiciousOperation):
        return exceptions.ParseError(str(error) or None)
    return None


def _facts_of(error: exceptions.APIException, *, is_sent: bool) -> dict[str, Any]:
    if not isinstance(error, exceptions.ValidationError):
        detail: Any = error.detail
        return {"detail": str(detail), "code": getattr(detail, "code", error.default_code)}
    faults = list(_faults(error.detail, ()))
    errors = [_entry(path, words, is_sent=is_sent) for path, words in faults]
    return {"detail": _sentence(faults), "code": "invalid", "errors": errors}


def _faults(
    detail: Any, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], exceptions.ErrorDetail]]:
    """Walk nested faults: the path to each value, and what is wrong with it."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            here = path if name == "non_field_errors" else (*path, str(name))
            yield from _faults(inner, here)
    elif isinstance(detail, (list, tuple)):
        for number, inner in enumerate(detail):
            is_row = isinstance(inner, (Mapping, list, tuple))
            yield from _faults(inner, (*path, str(number)) if is_row else path)
    else:
        yield path, detail


def _entry(
    path: tuple[str, ...], words: exceptions.ErrorDetail, *, is_sent: bool
) -> dict[str, str]:
    place = {"pointer": _pointer(path)} if is_sent else {"parameter": ".".join(path)}
    return {**place, "detail": str(words), "code": getattr(words, "code", None) or "invalid"}


def _pointer(path: tuple[str, ...]) -> str:
    """Write a JSON pointer (RFC 6901) to a value of the body."""
    return "#" + "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)


def _sentence(faults: list[tuple[tuple[str, ...], exceptions.ErrorDetail]]) -> str:
    parts = [_part(".".join(path), str(words)) for path, words in faults]
    rest = len(parts) - _TOLD
    return " ".join(parts[:_TOLD]) + (f" And {rest} more." if rest > 0 else "")


def _part(name: str, words: str) -> str:
    """Put the name of a value before what is wrong with it, unless the words begin with it."""
    return words if not name or words.startswith(f"{name} ") else f"{name}: {words}"


def _headers_of(error: exceptions.APIException) -> Iterator[tuple[str, str]]:
    if header := getattr(error, "auth_header", None):
        yield "WWW-Authenticate", header
    if wait := getattr(error, "wait", None):
        yield "Retry-After", str(math.ceil(wait))


class ProblemMiddleware:
    """Tell what Django itself refuses below the API in the API's words, not as a page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Refuse what no view may see; turn pages that tell an error into problem details."""
        if not request.path_info.startswith(ROOT):
            return self.get_response(request)
        if "\x00" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            return problem(400, "The address holds a NUL character, which no value may.")
        answer = self.get_response(request)
        return _retold(request, answer) if _is_page(answer) else answer


def _is_page(answer: HttpResponseBase) -> bool:
    kind = answer.headers.get("Content-Type", "")
    is_traceback = settings.DEBUG and answer.status_code >= 500
    return answer.status_code >= 400 and kind.startswith("text/") and not is_traceback


_WORDS = {
    400: "The request cannot be read.",
    403: "You may not do this.",
    404: "There is nothing at {path}.",
    416: "The file ends before this range.",
    500: "This is a fault of the program; the log of the server says more.",
}


def _retold(request: HttpRequest, answer: HttpResponseBase) -> HttpResponse:
    status = answer.status_code
    words = _WORDS.get(status, HTTPStatus(status).description or HTTPStatus(status).phrase)
    retold = problem(status, words.format(path=request.path_info))
    for name in ("Allow", "Content-Range", "Retry-After", "WWW-Authenticate"):
        if name in answer.headers:
            retold[name] = answer.headers[name]
    return retold
