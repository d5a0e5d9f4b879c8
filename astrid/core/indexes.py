"""Which columns an index serves: what a list of a large table may be ordered and filtered by."""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import Q, UniqueConstraint
from django.db.models.constants import LOOKUP_SEP


def can_order(model: type[models.Model], path: str) -> bool:
    """Say whether an index holds every row in the order of a column, and equals by their keys."""
    meta = model._meta
    try:
        column: Any = meta.pk if path == "pk" else meta.get_field(path)
    except FieldDoesNotExist:
        return False
    if column.is_relation:  # the keys of other rows say nothing to people
        return False
    ordered = {tuple(index.fields) for index in meta.indexes if index.condition is None}
    down, up = (f"-{column.name}", f"-{meta.pk.name}"), (column.name, meta.pk.name)
    return bool(column.unique or down in ordered or up in ordered)


def can_filter(model: type[models.Model], path: str) -> bool:
    """Say whether rows can be found by a column: it leads an index, or is what one is for.

    A column of another table is found there, and its rows by the foreign key.
    """
    own, _, _other = path.partition(LOOKUP_SEP)
    column = _column(model, own)
    return column is not None and any(
        column in _names_in(condition) if condition else column == first
        for first, condition in _indexes(model)
    )


def _column(model: type[models.Model], name: str) -> str | None:
    meta = model._meta
    try:
        found: Any = meta.pk if name == "pk" else meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return getattr(found, "name", None)


def _indexes(model: type[models.Model]) -> Iterator[tuple[str, Q | None]]:
    meta = model._meta.concrete_model._meta if model._meta.concrete_model else model._meta
    for field in meta.concrete_fields:
        if field.primary_key or field.unique or getattr(field, "db_index", False):
            yield field.name, None
    for index in meta.indexes:
        if index.fields:
            yield index.fields[0].removeprefix("-"), index.condition
    for constraint in meta.constraints:
        if isinstance(constraint, UniqueConstraint) and constraint.fields:
            yield constraint.fields[0], constraint.condition


def _names_in(condition: Any) -> Iterator[str]:
    if condition is None:
        return
    for part in condition.children:
        if isinstance(part, Q):
            yield from _names_in(part)
        else:
            yield part[0].partition(LOOKUP_SEP)[0]
