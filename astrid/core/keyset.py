"""Pages that begin behind a row instead of after so many rows: the last is as quick as the first.

A place is the values by which the row beside a page is ordered. What lies behind it is one range of
an index where all values rise or fall together: ``(a, id) < (x, y)``, which PostgreSQL reads as
``a <= x AND (a < x OR id < y)`` without looking at equals one by one. Where they do not, or may be
NULL in the midst, it is asked for in several such ranges: the same first values and a later last
one, then the same but for the last two, and so on. PostgreSQL puts NULL above every value.
"""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, OrderBy, Q, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.utils.timezone import is_naive

FIRST, LAST = "", "last"
_AFTER, _BEFORE = "a", "b"
_LONGEST = 2000  # characters of a place in an address


class BadPlace(ValueError):
    """The place of a page was cut off, edited, or belongs to another order."""


@dataclass(frozen=True)
class Key:
    """One thing that rows are ordered by."""

    path: str
    field: Any
    is_descending: bool
    is_nullable: bool

    @property
    def name(self) -> str:
        """The key as ``order_by`` takes it."""
        return f"-{self.path}" if self.is_descending else self.path

    @property
    def column(self) -> str:
        """The attribute of a fetched row that holds the value."""
        return f"key_of_{self.path}" if LOOKUP_SEP in self.path else self.path

    def turned(self) -> "Key":
        """Give the key of the opposite order."""
        return replace(self, is_descending=not self.is_descending)

    def later(self, value: Any) -> Iterator[Q]:
        """Give the ranges behind a value, in their order."""
        if value is None:
            if self.is_descending:
                yield Q(**{f"{self.path}__isnull": False})
            return
        yield Q(**{f"{self.path}__{'lt' if self.is_descending else 'gt'}": value})
        if self.is_nullable and not self.is_descending:
            yield Q(**{f"{self.path}__isnull": True})

    def same(self, value: Any) -> Q:
        """Give the condition of an equal value."""
        return Q(**{f"{self.path}__isnull": True} if value is None else {self.path: value})


@dataclass(frozen=True)
class Page:
    """Some rows of a list, and the places of the pages beside it; None where there is none."""

    rows: list[Any]
    previous: str | None
    next: str | None


def keys_of(rows: QuerySet) -> list[Key]:
    """Give what a queryset is ordered by.

    Raises
    ------
    TypeError
        If it is ordered by an expression that cannot be compared with a stored value.
    """
    return [_key_of(rows, part) for part in rows.query.order_by]


def _key_of(rows: QuerySet, part: Any) -> Key:
    if isinstance(part, str):
        path, is_descending = part.removeprefix("-"), part.startswith("-")
    elif isinstance(part, OrderBy) and isinstance(part.expression, F):
        named: Any = part.expression
        path, is_descending = named.name, part.descending
    else:
        raise TypeError(f"{part!r} orders {rows.model.__name__}: order by names of columns")
    if path in rows.query.annotations:
        return Key(path, rows.query.annotations[path].output_field, is_descending, True)
    return _column_key(rows.model, path, is_descending)


def _column_key(model: type[models.Model], path: str, is_descending: bool) -> Key:
    *joins, last = path.split(LOOKUP_SEP)
    meta, is_nullable = model._meta, False
    for name in joins:
        relation: Any = meta.get_field(name)
        is_nullable |= relation.null
        meta = relation.related_model._meta
    column: Any = meta.pk if last == "pk" else meta.get_field(last)
    path = LOOKUP_SEP.join([*joins, column.attname])
    return Key(path, column, is_descending, is_nullable or column.null)


def page(rows: QuerySet, place: str, size: int) -> Page:
    """Fetch the page at a place of an ordered queryset.

    Raises
    ------
    BadPlace
        If the place does not fit the order of the rows.
    """
    keys = keys_of(rows)
    kind, values = _read(place, keys)
    if kind in (_BEFORE, LAST):
        return _page_before(rows, keys, values, size)
    found = _fetch(rows, keys, values, size + 1)
    shown = found[:size]
    return Page(
        shown,
        previous=_place(_BEFORE, keys, shown[0]) if values and shown else None,
        next=_place(_AFTER, keys, shown[-1]) if len(found) > size else None,
    )


def _page_before(rows: QuerySet, keys: list[Key], values: Any, size: int) -> Page:
    found = _fetch(rows, [key.turned() for key in keys], values, size + 1)
    if len(found) <= size and values:  # the start of the list: fill the page from there
        return page(rows, FIRST, size)
    shown = found[:size][::-1]
    return Page(
        shown,
        previous=_place(_BEFORE, keys, shown[0]) if len(found) > size else None,
        next=_place(_AFTER, keys, shown[-1]) if values and shown else None,
    )


def _fetch(rows: QuerySet, keys: list[Key], values: Sequence[Any] | None, limit: int) -> list[Any]:
    joined = {key.column: F(key.path) for key in keys if LOOKUP_SEP in key.path}
    ordered = rows.annotate(**joined).order_by(*(key.name for key in keys))
    if values is None:
        return list(ordered[:limit])
    found: list[Any] = []
    for part in _ranges(keys, values):
        found += ordered.filter(part)[: limit - len(found)]
        if len(found) == limit:
            break
    return found


def _ranges(keys: Sequence[Key], values: Sequence[Any]) -> Iterator[Any]:
    return _one_range(keys, values) if _is_one(keys, values) else _many_ranges(keys, values)


def _is_one(keys: Sequence[Key], values: Sequence[Any]) -> bool:
    """Say whether what lies behind values is one range, but for NULL in the first key."""
    alike = len({key.is_descending for key in keys}) == 1
    return alike and None not in values and not any(key.is_nullable for key in keys[1:])


def _one_range(keys: Sequence[Key], values: Sequence[Any]) -> Iterator[Any]:
    first, *_ = keys
    compare = TupleLessThan if first.is_descending else TupleGreaterThan
    yield compare(Tuple(*(F(key.path) for key in keys)), tuple(values))
    if first.is_nullable and not first.is_descending:
        yield first.same(None)


def _many_ranges(keys: Sequence[Key], values: Sequence[Any]) -> Iterator[Q]:
    for number in reversed(range(len(keys))):
        before = Q()
        for key, value in zip(keys[:number], values, strict=False):
            before &= key.same(value)
        for later in keys[number].later(values[number]):
            yield before & later


def _place(kind: str, keys: Sequence[Key], row: Any) -> str:
    values = [_text(getattr(row, key.column)) for key in keys]
    content = json.dumps([[key.name for key in keys], values], separators=(",", ":"))
    return kind + base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)


def _read(place: str, keys: Sequence[Key]) -> tuple[str, list[Any] | None]:
    if place in (FIRST, LAST):
        return place, None
    kind, token = place[:1], place[1:]
    if kind not in (_AFTER, _BEFORE) or len(place) > _LONGEST:
        raise BadPlace(f"{place[:40]!r} is no place of a page")
    try:
        names, texts = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        if names != [key.name for key in keys] or len(texts) != len(keys):
            raise BadPlace("the rows are in another order than when the address was made")
        return kind, [_value(key, text) for key, text in zip(keys, texts, strict=True)]
    except (ValueError, TypeError, ValidationError, RecursionError) as error:
        raise BadPlace(f"{place[:40]!r} is no place of a page: {error}") from error


def _value(key: Key, text: Any) -> Any:
    if text is None and key.is_nullable:
        return None
    if not isinstance(text, str) or "\x00" in text:
        raise BadPlace(f"{text!r} is no value of {key.path}")
    value = key.field.to_python(text)
    if value is None or (isinstance(value, datetime) and is_naive(value)):
        raise BadPlace(f"{text!r} is no value of {key.path}")
    return value
