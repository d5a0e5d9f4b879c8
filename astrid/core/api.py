"""What every endpoint of the API is made of: views that list and fetch, and rows as JSON."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

from django.db import models
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page
from django.views.decorators.vary import vary_on_headers
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from astrid.core.permissions import MayOperate
from astrid.core.rest import jsonrows, marks, pages, parameters, sparse
from astrid.core.rest.columns import ColumnFilter
from astrid.core.rest.fields import FiniteField, RoundedField
from astrid.core.rest.filters import (
    AreaFilter,
    ConeFilter,
    CoversFilter,
    FrameAreaFilter,
    Ordering,
    SearchFilter,
)

__all__ = [
    "CHOSEN",
    "FrameReadViewSet",
    "Moves",
    "ReadViewSet",
    "RoundedField",
    "RowSerializer",
    "SkyReadViewSet",
]

CHOSEN = [ColumnFilter, SearchFilter, Ordering]
_WITHOUT_MORE = ("list", "retrieve", "create", "partial_update", "destroy")


# An answer carries a mark of its content; who sends it back is told that nothing changed.
@method_decorator(conditional_page, name="dispatch")
@method_decorator(cache_control(private=True, no_cache=True), name="dispatch")
@method_decorator(vary_on_headers("Accept", "Authorization", "Cookie"), name="dispatch")
class ReadViewSet(viewsets.ReadOnlyModelViewSet):
    """List and fetch; the pipeline and people's actions write."""

    filter_backends: list[Any] = CHOSEN
    pagination_class = pages.Pages
    # What an action reads besides filters: @action(own_parameters=("format",)); None: all goes.
    own_parameters: Sequence[str] | None = None
    shown: Mapping[str, Any] | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse parameters that nobody would read."""
        super().initial(request, *args, **kwargs)
        names = self.parameters()
        if names is not None:
            parameters.check(request.query_params, names)

    def described_parameters(self) -> list[dict[str, Any]]:
        """Describe the parameters of an address that the action reads, but for filters."""
        return [sparse.parameter()] if self.action in ("list", "retrieve") else []

    def parameters(self) -> frozenset[str] | None:
        """Name the parameters that the action reads; None where it looks at them itself."""
        own = self.own_parameters
        if self.action in _WITHOUT_MORE or own is not None:
            return _names_of(type(self), self.action, self.detail).union(own or ())
        return None

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Give a page of rows."""
        shown = sparse.asked(request, self.get_serializer())
        page = jsonrows.TextPages(shown.values())
        page.paginate_queryset(self.filter_queryset(self.get_queryset()), request, self)
        return HttpResponse(page.text(), content_type="application/json")

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Give one row."""
        self.shown = sparse.asked(request, self.get_serializer())
        serializer: Any = self.get_serializer(self.get_object())
        for name in [name for name in serializer.fields if name not in self.shown]:
            del serializer.fields[name]
        return Response(serializer.data)

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Choose rows, and of one row the columns that are shown."""
        rows = super().filter_queryset(queryset)
        return rows if self.shown is None else rows.only(*_columns_of(rows.model, self.shown))


@cache
def _names_of(kind: type[ReadViewSet], action: str, detail: bool) -> frozenset[str]:
    """Name the parameters that an action reads, but for its own."""
    view = kind(action=action)
    found = view.described_parameters()
    parts: list[Any] = [] if detail or action == "create" else [*kind.filter_backends]
    for part in [*parts, kind.pagination_class] if action == "list" else parts:
        found = [*found, *part().get_schema_operation_parameters(view)]
    return frozenset(each["name"] for each in found)


def _columns_of(model: type[models.Model], shown: Mapping[str, Any]) -> Iterator[str]:
    stored = {column.name for column in model._meta.concrete_fields}
    yield from (field.source for field in shown.values() if field.source in stored)


class Moves:
    """For views of rows that people move from one state to another, as in the admin."""

    permission_classes: Any = (MayOperate,)
    refusals: ClassVar[Mapping[str, str]] = {
        "409": "The row does not stand where this can be done.",
        "412": "The row is no longer what `If-Match` names.",
    }

    def moved(self, move: Callable[[Any], object]) -> Response:
        """Move the row of the address, unless it is no longer what the client has seen."""
        view: Any = self
        row = view.get_object()
        marks.check(view.request, view.get_serializer(row).data)
        move(row)
        return Response(view.get_serializer(view.get_object()).data)


class SkyReadViewSet(ReadViewSet):
    """List and fetch rows with a position."""

    filter_backends: list[Any] = [*CHOSEN, ConeFilter, AreaFilter]


class FrameReadViewSet(ReadViewSet):
    """List and fetch images of the sky."""

    filter_backends: list[Any] = [*CHOSEN, ConeFilter, FrameAreaFilter, CoversFilter]


class RowSerializer(serializers.ModelSerializer):
    """A row as JSON; ``Meta.decimals`` names the figures that are kept to some decimals."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.FloatField: FiniteField,
    }

    def build_standard_field(self, field_name: str, model_field: Any) -> tuple[Any, Any]:
        """Choose the field; figures get their decimals, what the database works out its type."""
        if isinstance(model_field, models.GeneratedField):
            shown: Any = model_field.output_field
            options = {"read_only": True, "allow_null": shown.null, "help_text": shown.help_text}
            return self.serializer_field_mapping[type(shown)], options
        kind, options = super().build_standard_field(field_name, model_field)
        decimals = getattr(self.Meta, "decimals", {})
        if field_name in decimals:
            return RoundedField, options | {"decimals": decimals[field_name]}
        return kind, options
