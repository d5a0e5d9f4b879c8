"""Pages of lists: each begins behind the last row of the one before, so the last is as quick."""

from typing import Any

from django.core import signing
from django.db.models import QuerySet
from django.utils.crypto import constant_time_compare, salted_hmac
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from astrid.core import keyset
from astrid.core.counting import count_about
from astrid.core.rest.parameters import described

PAGE, SIZE, COUNT, FIELDS = "page", "page_size", "count", "fields"
DEFAULT_SIZE, MOST_ROWS = 100, 1000
ESTIMATE = "estimate"
# What may differ between the pages of one list.
_APART_FROM = {PAGE, SIZE, COUNT, FIELDS}
_SIGNED = 22  # characters of a signature: 132 bits


class Pages(BasePagination):
    """Pages of 100 rows, 1,000 at the most; the next is known by a token that the server signed.

    A token holds for its own query: the same filters in the same order. Rows are not counted
    unless an estimate of their number is asked for.
    """

    found: keyset.Page
    request: Request
    count: int | None = None

    def paginate_queryset(  # type: ignore[override]  # rows that can be asked for in parts
        self, queryset: QuerySet[Any], request: Request, view: Any = None
    ) -> list[Any]:
        """Fetch the rows of the page that is asked for."""
        self.request = request
        size, place = size_of(request), _place_of(request)
        ordered = queryset if queryset.query.order_by else queryset.order_by("-pk")
        try:
            self.found = self.fetch(ordered, place, size)
        except keyset.BadPlace as error:  # signed by us, but for columns of an earlier version
            raise ValidationError({PAGE: [f"{error}; begin at the first page"]}) from error
        self.count = _count_of(queryset, request, len(self.found.rows))
        return self.found.rows

    def fetch(self, rows: QuerySet[Any], place: str, size: int) -> keyset.Page:
        """Fetch the rows at a place."""
        return keyset.page(rows, place, size)

    @property
    def links(self) -> dict[str, str | None]:
        """The addresses of the pages beside this one."""
        return {"next": self._link(self.found.next), "previous": self._link(self.found.previous)}

    def _link(self, place: str | None) -> str | None:
        if place is None:
            return None
        address = self.request.build_absolute_uri()
        return replace_query_param(address, PAGE, _signed(place, self.request))

    def get_paginated_response(self, data: Any) -> Response:
        """Put rows between the links."""
        return Response({"count": self.count, **self.links, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe a page for OpenAPI."""
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["count", "next", "previous", "results"],
            "properties": {
                "count": {
                    "type": "integer",
                    "nullable": True,
                    "description": "About how many rows there are, if it was asked for.",
                },
                "next": link,
                "previous": link,
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe the parameters for OpenAPI."""
        size = {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": DEFAULT_SIZE}
        return [
            described(PAGE, "Which page: taken from `next` or `previous`, or `last`.", _TEXT),
            described(SIZE, "Rows of a page.", size),
            described(
                COUNT,
                "`estimate` for about how many rows there are: exact up to 1,000.",
                {"type": "string", "enum": [ESTIMATE]},
            ),
        ]


_TEXT = {"type": "string"}


def size_of(request: Request) -> int:
    """Give how many rows a page shall have.

    Raises
    ------
    ValidationError
        If it is no whole number from 1 to 1,000.
    """
    text = request.query_params.get(SIZE, str(DEFAULT_SIZE))
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:10]) <= MOST_ROWS:
        words = f"page_size is {text[:40]!r}; it must be a whole number from 1 to {MOST_ROWS}"
        raise ValidationError({SIZE: [words]})
    return int(text)


def _place_of(request: Request) -> str:
    token = request.query_params.get(PAGE, keyset.FIRST)
    if token in (keyset.FIRST, keyset.LAST):
        return token
    place, _, _signature = token.rpartition(".")
    if not place or not constant_time_compare(token, _signed(place, request)):
        words = "this page is none of this query: take it from next or previous, unchanged"
        raise ValidationError({PAGE: [words]})
    return place


def _signed(place: str, request: Request) -> str:
    if place in (keyset.FIRST, keyset.LAST):
        return place
    digest = salted_hmac("astrid.pages", f"{_query_of(request)}\n{place}", algorithm="sha256")
    return f"{place}.{signing.b64_encode(digest.digest()).decode()[:_SIGNED]}"


def _query_of(request: Request) -> str:
    """Write what makes a query the same: its address, filters and order."""
    given = request.query_params
    kept = sorted((name, given[name]) for name in given if name not in _APART_FROM)
    return f"{request.path} {kept!r}"


def _count_of(rows: QuerySet[Any], request: Request, at_least: int) -> int | None:
    asked = request.query_params.get(COUNT)
    if asked is None:
        return None
    if asked != ESTIMATE:
        raise ValidationError({COUNT: [f"count is {asked[:40]!r}; it can be {ESTIMATE!r}"]})
    return int(count_about(rows, at_least))
