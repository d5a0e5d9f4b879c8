"""What the search box of a list means: ids, and the starts of names, always by an index."""

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.constants import LOOKUP_SEP

# Names that may begin alike in a joined table: more, and the words say too little.
MOST_NAMES = 1000


def key_in(text: str) -> UUID | None:
    """Read a key; None where the words are none."""
    try:
        return UUID(text.strip())
    except ValueError:
        return None


def with_key(rows: QuerySet, columns: Iterable[str], key: UUID) -> QuerySet:
    """Keep the rows that have a key in one of some columns."""
    return rows.filter(reduce(or_, (Q(**{name: key}) for name in columns)))


def named(rows: QuerySet, lookups: Sequence[str], words: str) -> tuple[QuerySet, bool]:
    """Keep rows by lookups such as ``observation__observation_id__startswith``.

    Names in another table are looked up there first, so that an index serves each step.

    Returns
    -------
    QuerySet, bool
        The rows, and whether more names fit than were taken.
    """
    found = [_condition(rows.model, lookup, words) for lookup in lookups]
    return rows.filter(reduce(or_, (each for each, _ in found))), any(cut for _, cut in found)


def _condition(model: type[models.Model], lookup: str, words: str) -> tuple[Q, bool]:
    if lookup.startswith("="):
        lookup = f"{lookup[1:]}__exact"
    first, _, rest = lookup.partition(LOOKUP_SEP)
    column: Any = model._meta.get_field(first)
    if not column.is_relation:
        return _of_column(column, lookup, words), False
    below, is_cut = _condition(column.related_model, rest, words)
    keys = column.related_model._default_manager.filter(below).order_by()
    taken = list(keys.values_list("pk", flat=True)[: MOST_NAMES + 1])
    return Q(**{f"{first}__in": taken[:MOST_NAMES]}), is_cut or len(taken) > MOST_NAMES


def _of_column(column: Any, lookup: str, words: str) -> Q:
    """Give a condition that nothing meets where the words can be no value of the column."""
    try:
        column.to_python(words)
    except ValidationError:
        return Q(pk__in=[])
    return Q(**{lookup: words})
