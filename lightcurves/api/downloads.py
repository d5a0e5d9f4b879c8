"""Light curves as files over the API: one in many formats, many in one stream."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from lightcurves.exporting.bulk import BULK_FORMATS, shape_of, stream
from lightcurves.exporting.bulk_columns import FACTS, LAYOUTS, LIST, NUMBERS
from lightcurves.exporting.bulk_rows import Selection
from lightcurves.exporting.formats import FORMATS
from lightcurves.exporting.tables import curve_table, with_all


class AsJson(BaseContentNegotiation):
    """Leaves ``?format=`` to the view, which writes files by itself; errors are JSON."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        """Take the first."""
        return parsers[0]

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        """Take the first."""
        return renderers[0], renderers[0].media_type


def _choice(request: Request, name: str, known: Any, usual: str) -> str:
    found = request.query_params.get(name, usual)
    if found not in known:
        raise ValidationError({name: [f"{name} is {found!r}; it must be {' or '.join(known)}"]})
    return found


def file_response(parts: Iterator[bytes], name: str, kind: str) -> StreamingHttpResponse:
    """Send a file in parts, the first of which is made at once: its errors can still be told."""
    first = next(parts)
    response = StreamingHttpResponse(chain([first], parts), content_type=kind)
    disposition = content_disposition_header(as_attachment=True, filename=name)
    response["Content-Disposition"] = disposition or "attachment"
    return response


def _query(name: str, meaning: str, choices: Any = None) -> OpenApiParameter:
    return OpenApiParameter(name, str, description=meaning, enum=choices)


class Downloads:
    """What can be taken away of light curves."""

    @extend_schema(
        parameters=[_query("format", "How it is written; csv by default.", list(FORMATS))],
        responses={(200, each.content_type): OpenApiTypes.BINARY for each in FORMATS.values()},
        filters=False,
    )
    @action(
        detail=True,
        content_negotiation_class=AsJson,
        filter_backends=[],
        pagination_class=None,
        own_parameters=("format",),
    )
    def download(self: Any, request: Request, pk: str | None = None) -> StreamingHttpResponse:
        """Give a light curve as a file: times, cadences, values, errors, flags, and origin."""
        chosen = FORMATS[_choice(request, "format", FORMATS, "csv")]
        self.queryset = with_all().order_by("id")
        table = curve_table(self.get_object())
        name = f"{table.name}.{chosen.ending}"
        return file_response(chosen.write(table), name, chosen.content_type)

    @extend_schema(
        parameters=[
            _query("format", "arrow (a stream of record batches) or parquet.", list(BULK_FORMATS)),
            _query("layout", "A row per light curve with lists, or per point.", list(LAYOUTS)),
            _query(
                "columns",
                f"With commas between them: {', '.join((*FACTS, *NUMBERS, 'flags'))}, or a kind of "
                "flags.",
            ),
        ],
        responses={(200, each.content_type): OpenApiTypes.BINARY for each in BULK_FORMATS.values()},
    )
    @action(
        detail=False,
        content_negotiation_class=AsJson,
        pagination_class=None,
        own_parameters=("format", "layout", "columns"),
    )
    def bulk(self: Any, request: Request) -> StreamingHttpResponse:
        """Give many light curves in one stream, in a constant number of queries."""
        file_format = _choice(request, "format", BULK_FORMATS, "arrow")
        chosen = BULK_FORMATS[file_format]
        selection = Selection(self.filter_queryset(self.get_queryset()))
        wanted = [each for each in request.query_params.get("columns", "").split(",") if each]
        try:
            shape = shape_of(selection, request.query_params.get("layout", LIST), wanted)
        except ValueError as error:
            raise ValidationError({"columns": [str(error)]}) from error
        parts = stream(selection, shape, file_format)
        return file_response(parts, f"lightcurves.{chosen.ending}", chosen.content_type)
