"""Bodies of requests, read up to a length, and refused in words where they cannot be read."""

from typing import Any, ClassVar

from django.conf import settings
from rest_framework import parsers
from rest_framework.exceptions import ParseError

from astrid.core.rest.refusals import TooLarge


def check_length(request: Any, most: int | None = None) -> None:
    """Refuse a body that is longer than ``most`` bytes, without a limit the one of the settings."""
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE if most is None else most
    length = _length_of(request)
    if length > limit:
        raise TooLarge(f"The body is {length} bytes long; at most {limit} are read here.")


def _length_of(request: Any) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    if not text.isdecimal():
        raise ParseError(f"The Content-Length is {text[:40]!r}; it must be a whole number.")
    return int(text)


class Bounded:
    """Reads no body that is longer than ``most`` bytes."""

    most: ClassVar[int | None] = None

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """Look at the length first."""
        check_length(parser_context["request"], self.most)
        return super().parse(stream, media_type, parser_context)  # type: ignore[misc]


class _Json(parsers.BaseParser):
    # No child of JSONParser: what the framework takes for one, it reads by Django's ``body``, which
    # ends at DATA_UPLOAD_MAX_MEMORY_SIZE whatever ``most`` says.
    media_type = parsers.JSONParser.media_type

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return parsers.JSONParser().parse(stream, media_type, parser_context)


class JsonParser(Bounded, _Json):
    """JSON; the names of an object are told apart, and it is nested no deeper than can be read."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """Read the body."""
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError("The JSON is nested too deep to be read.") from error


class FormParser(Bounded, parsers.FormParser):
    """A form."""


class MultiPartParser(Bounded, parsers.MultiPartParser):
    """A form with files."""


def up_to(most: int, *kinds: type[Any]) -> list[type[Any]]:
    """Give parsers of bodies of up to so many bytes."""
    return [type(kind.__name__, (kind,), {"most": most}) for kind in kinds]
