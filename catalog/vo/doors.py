"""What every service has in common: who asks, what is wrong, and how it is told."""

import math
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpResponse
from rest_framework.exceptions import APIException
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from catalog import config
from catalog.access.authentication import PasswordAuthentication
from catalog.vo import formats, votable
from catalog.vo.adql.errors import AdqlError
from catalog.vo.answers import Answer
from catalog.vo.errors import NotSeen, NotSignedIn, VoError
from catalog.vo.parameters import Access
from catalog.vo.requests import Asked
from catalog.vo.visible import Caller

CHALLENGE = 'Basic realm="AstrID", Token realm="AstrID"'


class _Anything(BaseContentNegotiation):
    """What an answer looks like is asked by a parameter, not by a header."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """Choose by the content type."""
        return next((p for p in parsers if _fits(p, request)), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        """Choose the only one, which is never used."""
        return renderers[0], renderers[0].media_type


def _fits(parser: Any, request: Request) -> bool:
    given = (request.content_type or "").partition(";")[0].strip().lower()
    return bool(given == parser.media_type)


class _AsIs(BaseRenderer):
    media_type = "*/*"
    format = "xml"


class VoView(APIView):
    """A service; it reads forms, and tells as VOTable what is wrong."""

    scope_domain = "vo"
    schema = None  # VOSI describes it, not OpenAPI
    # TOPCAT and other tools know names and passwords, not tokens.
    authentication_classes: Sequence[Any] = [
        *api_settings.DEFAULT_AUTHENTICATION_CLASSES,
        PasswordAuthentication,
    ]
    permission_classes = ()
    parser_classes = (FormParser, MultiPartParser)
    renderer_classes = (_AsIs,)
    content_negotiation_class = _Anything
    error_names: tuple[str, ...] = ()

    def caller(self) -> Caller:
        """Give who asks.

        Raises
        ------
        NotSignedIn
            If one must sign in to see anything.
        """
        request = self.request
        rules = config.get("vo")
        root = request.build_absolute_uri("/").rstrip("/")
        found = Caller(request.user, root, rules)
        if not found.is_known and rules.anonymous_access == Access.NOTHING:
            raise NotSignedIn("sign in, with a name and password or a token, to ask this archive")
        return found

    def asked(self) -> Asked:
        """Give the parameters of the request."""
        return Asked.of(self.request)

    def answer(self, answer: Answer, name: str, **more: Any) -> HttpResponse:
        """Send rows in a format."""
        content = formats.written(answer, name, **more)
        return HttpResponse(content, content_type=formats.TYPES[name])

    def handle_exception(self, exc: Exception) -> Any:
        """Tell what is wrong; what nobody expected goes on to the log."""
        told = told_of(exc)
        if told is None:
            return super().handle_exception(exc)
        status, message = told
        response = HttpResponse(
            votable.error(message, names=self.error_names),
            content_type=formats.VOTABLE,
            status=status,
        )
        if status == NotSignedIn.status:
            response["WWW-Authenticate"] = CHALLENGE
        if wait := getattr(exc, "wait", None):
            response["Retry-After"] = str(math.ceil(wait))
        return response


def told_of(error: Exception) -> tuple[int, str] | None:
    """Give the status and the words for what is wrong; nothing for what nobody expected."""
    if isinstance(error, VoError):
        return error.status, str(error)
    if isinstance(error, AdqlError):
        return 400, str(error)
    if isinstance(error, APIException):
        return error.status_code, str(error.detail)
    if isinstance(error, Http404):
        return 404, str(error) or "there is no such thing"
    if isinstance(error, RequestDataTooBig):
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        return 413, f"the parameters are longer than the {most} bytes that are read"
    if isinstance(error, SuspiciousOperation):
        return 400, str(error) or type(error).__name__
    return None


def needs_sign_in(caller: Caller, what: str) -> VoError:
    """Say that a caller may not see something: unknown ones are asked to sign in."""
    if caller.is_known:
        return NotSeen(f"your account may not see {what}")
    return NotSignedIn(f"sign in to see {what}")


def plain(text: str) -> HttpResponse:
    """Send a line of text."""
    return HttpResponse(text, content_type="text/plain; charset=utf-8")
