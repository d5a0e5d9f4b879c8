"""Stored columns as the admin shows them: figures with their decimals, JSON as tables."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models.options import Options

from astrid.core.tables import as_table, figure

Column = str | Callable[..., Any]


@cache
def readable(meta: Options, name: Column) -> Column:
    """Give what the admin shows for a column: itself, or a function that writes it readably.

    Always the same function for the same column: the admin compares them.
    """
    try:
        column = meta.get_field(name) if isinstance(name, str) else None
    except FieldDoesNotExist:
        return name
    write = _writer_of(column)
    return name if write is None else _shown(column, write)


def _writer_of(column: Any) -> Callable[[Any], str] | None:
    if isinstance(column, models.FloatField):
        return partial(figure, column.name)
    return as_table if isinstance(column, models.JSONField) else None


def _shown(column: Any, write: Callable[[Any], str]) -> Column:
    @admin.display(description=str(column.verbose_name), ordering=column.name)
    def show(row: models.Model) -> str | None:
        value = getattr(row, column.name)
        return None if value is None else write(value)

    show.__name__ = column.name  # by it the admin finds the column's help
    return show
