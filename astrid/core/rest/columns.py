"""Rows chosen by their columns: ``?status=pending&magnitude__lt=20``; each value is checked."""

from functools import cache
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema_field
from rest_framework.views import APIView


class TrueOrFalse(forms.Field):
    """Whether something holds; anything else is no answer."""

    def to_python(self, value: Any) -> bool | None:
        """Read it."""
        if value in self.empty_values:
            return None
        words = {"true": True, "false": False}
        if str(value).lower() not in words:
            raise ValidationError(f"{str(value)[:40]!r} is neither true nor false")
        return words[str(value).lower()]


class Whole(forms.IntegerField):
    """A whole number that a column could hold."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"min_value": -(2**63), "max_value": 2**63 - 1} | options)


class YesNoFilter(filters.BooleanFilter):
    """Keep rows where something holds, or where it does not."""

    field_class = TrueOrFalse

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.extra.pop("widget", None)


@extend_schema_field({"type": "integer"})
class WholeFilter(filters.NumberFilter):
    """Keep rows by a whole number."""

    field_class = Whole


class Columns(filters.FilterSet):
    """Filters of columns; a row of another table is named by its key, which need not be there."""

    @classmethod
    def filter_for_field(
        cls, field: Any, field_name: str, lookup_expr: str | None = None
    ) -> filters.Filter:
        """Choose the filter of a column."""
        target = field.target_field if isinstance(field, models.ForeignKey) else field
        if lookup_expr in (None, "exact") and isinstance(field, models.ForeignKey):
            kind = filters.UUIDFilter if isinstance(target, models.UUIDField) else WholeFilter
            return kind(field_name=field_name)
        if isinstance(field, models.BooleanField):
            return YesNoFilter(field_name=field_name, lookup_expr=lookup_expr)
        if isinstance(field, models.IntegerField) and not field.choices:
            return WholeFilter(field_name=field_name, lookup_expr=lookup_expr)
        found: filters.Filter = super().filter_for_field(field, field_name, lookup_expr)
        return found


class ColumnFilter(filters.DjangoFilterBackend):
    """Keep rows by their columns; ``filterset_fields`` of the view names them."""

    filterset_base = Columns

    def get_filterset_class(self, view: Any, queryset: Any = None) -> Any:
        """Give the filters of a view, made once."""
        if getattr(view, "filterset_class", None) or queryset is None:
            return super().get_filterset_class(view, queryset)
        kind: Any = type(view)
        return _made(kind, queryset.model)

    def filter_queryset(
        self, request: Any, queryset: QuerySet[Any], view: APIView
    ) -> QuerySet[Any]:
        """Filter by what the query names, if it names a column."""
        kind = self.get_filterset_class(view, queryset)
        if kind is None or kind.base_filters.keys().isdisjoint(request.query_params):
            return queryset
        found: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return found

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Name the parameters; the schema describes them by their filters."""
        kind = self.get_filterset_class(view, view.queryset)
        return [{"name": name} for name in (kind.base_filters if kind else ())]


@cache
def _made(view: type[Any], model: type[models.Model]) -> Any:
    maker = filters.DjangoFilterBackend()
    maker.filterset_base = Columns
    return maker.get_filterset_class(view, model._default_manager.none())
