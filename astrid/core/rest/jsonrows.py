"""Rows of a list, written as JSON by the database: what a serializer declares, and no more is read.

A serializer makes a model instance, a dictionary and a call per field and row of what is two
figures on the way: five times what reading them costs. PostgreSQL writes the same text in half
the time that it takes to read the figures alone.
"""

import json
from collections.abc import Iterable
from typing import Any, TypeAlias, cast

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import F, Func, OuterRef, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.db.models.functions import Cast
from rest_framework import serializers
from rest_framework.fields import Field

from astrid.core import keyset
from astrid.core.rest.fields import FiniteField, RoundedField
from astrid.core.rest.pages import Pages

ROW = "json_of_row"
AnyField: TypeAlias = Field[Any, Any, Any, Any]

_AS_STORED = (
    serializers.BooleanField,
    serializers.CharField,
    serializers.ChoiceField,
    serializers.DateField,
    serializers.IntegerField,
    serializers.JSONField,
    serializers.ListField,
    serializers.PrimaryKeyRelatedField,
    serializers.UUIDField,
)


class _Object(Func):
    """A row as the text of a JSON object."""

    template = "(SELECT row_to_json(r)::text FROM (SELECT %(members)s) r)"
    output_field = models.TextField()

    def __init__(self, **members: Any) -> None:
        super().__init__(*members.values())
        self.names = list(members)

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **options: Any) -> Any:
        """Write a row of the members, named, and that as JSON."""
        parts, values = [], []
        for name, member in zip(self.names, self.source_expressions, strict=True):
            text, given = compiler.compile(member)
            parts.append(f"{text} AS {connection.ops.quote_name(name)}")
            values.extend(given)
        return self.template % {"members": ", ".join(parts)}, values


class _Finite(Func):
    """A number, or NULL: JSON has no NaN and no infinity."""

    template = "CASE WHEN abs(%(expressions)s) < 'Infinity'::float8 THEN %(expressions)s END"
    output_field = models.FloatField()


class _Rounded(_Finite):
    """A number with some decimals."""

    template = (
        "CASE WHEN abs(%(expressions)s) < 'Infinity'::float8"
        " THEN round(%(expressions)s::numeric, %(decimals)s)::float8 END"
    )


class _Instant(Func):
    """A time in UTC, as ISO 8601 with microseconds."""

    template = """to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
    output_field = models.TextField()


class TextPages(Pages):
    """Pages whose rows are the texts of JSON objects."""

    def __init__(self, fields: Iterable[AnyField]) -> None:
        self.fields = list(fields)

    def fetch(self, rows: QuerySet[Any], place: str, size: int) -> keyset.Page:
        """Fetch the rows at a place.

        Raises
        ------
        TypeError
            If a field is of a kind that the database does not write.
        """
        members = {str(field.field_name): _written(field, rows.model) for field in self.fields}
        columns = [key.path for key in keyset.keys_of(rows)]
        texts = rows.annotate(**{ROW: _Object(**members)})
        found = texts.values_list(ROW, *columns, named=True)
        return keyset.page(cast(QuerySet[Any], found), place, size)

    def text(self) -> str:
        """Write the page as JSON."""
        head = json.dumps({"count": self.count, **self.links})
        rows = ",".join(getattr(row, ROW) for row in self.found.rows)
        return f'{head[:-1]}, "results": [{rows}]}}'


def _written(field: AnyField, model: type[models.Model]) -> Any:
    path = LOOKUP_SEP.join(field.source_attrs)
    if isinstance(field, serializers.ManyRelatedField):
        return _keys(model, path)
    column = F(path)
    if isinstance(field, RoundedField):
        return _Rounded(column, decimals=field.decimals)
    if isinstance(field, FiniteField):
        return _Finite(column)
    if isinstance(field, serializers.DateTimeField):
        return _Instant(column)
    if isinstance(field, serializers.DecimalField):
        return Cast(column, models.TextField())
    if isinstance(field, _AS_STORED):
        return column
    raise TypeError(f"{field.field_name} of {model.__name__} is a {type(field).__name__}")


def _keys(model: type[models.Model], name: str) -> ArraySubquery:
    """Write the keys of the rows on the other side of a relation."""
    relation: Any = model._meta.get_field(name)
    here, there = relation.m2m_field_name(), relation.m2m_reverse_field_name()
    pairs = relation.remote_field.through._default_manager.filter(**{here: OuterRef("pk")})
    return ArraySubquery(pairs.order_by(there).values(f"{there}_id"))
