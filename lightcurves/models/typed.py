"""Typed values in a JSON column: attributes on a row, fields in a query."""

import json
import math
from collections.abc import Sequence
from typing import Any, ClassVar

from django.db import models
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast
from django.db.models.lookups import Exact


class Typed(property):
    """A value kept in ``extra`` under the name of the attribute.

    It is a property, so Django takes it as an argument of the constructor, ``create`` and
    ``get_or_create`` without knowing of it.
    """

    column: ClassVar["models.Field[Any, Any] | None"] = None
    wanted: ClassVar[str]

    def __init__(self, *, required: bool = False, help_text: str = "") -> None:
        super().__init__(self._read, self._write)
        self.required = required
        self.help_text = help_text
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def _read(self, row: Any) -> Any:
        return row.extra.get(self.name)

    def _write(self, row: Any, value: Any) -> None:
        """Keep the value as JSON can hold it: numpy's numbers and arrays become Python's."""
        plain = value.tolist() if hasattr(value, "tolist") else value
        row.extra[self.name] = list(plain) if isinstance(plain, tuple) else plain

    def fits(self, value: Any) -> bool:
        """Tell whether a value has the type."""
        raise NotImplementedError

    def problem(self, row: Any) -> str | None:
        """Say what is wrong with the row's value, if anything is."""
        value = self._read(row)
        if value is None:
            return f"{self.name} is missing" if self.required else None
        return None if self.fits(value) else f"{self.name} is {value!r}; it must be {self.wanted}"

    def expression(self) -> Cast | None:
        """Give the value as a typed SQL expression, if its type has one."""
        if self.column is None:
            return None
        return Cast(KeyTextTransform(self.name, "extra"), output_field=self.column)


class _IntegerColumn(models.BigIntegerField):
    """What an `Integer` is in a query."""


class _RealColumn(models.FloatField):
    """What a `Real` is in a query."""


class _TextColumn(models.TextField):
    """What a `Text` is in a query."""


class _FlagColumn(models.BooleanField):
    """What a `Flag` is in a query."""


@_IntegerColumn.register_lookup
@_RealColumn.register_lookup
@_TextColumn.register_lookup
@_FlagColumn.register_lookup
class Contained(Exact):
    """Equality asked as ``extra @> {"sector": 1}``: one GIN index serves every kind's fields."""

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Write the containment; comparison with another expression stays an equality."""
        cast: Any = self.lhs
        key = cast.get_source_expressions()[0] if isinstance(cast, Cast) else None
        if not isinstance(key, KeyTransform) or hasattr(self.rhs, "as_sql"):
            return super().as_sql(compiler, connection)
        column, parameters = compiler.compile(key.get_source_expressions()[0])
        return f"{column} @> %s::jsonb", [*parameters, json.dumps({key.key_name: self.rhs})]


def is_number(value: Any) -> bool:
    """Tell whether a value is a finite number; True and False are not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


class Integer(Typed):
    """A whole number."""

    column = _IntegerColumn()
    wanted = "a whole number"

    def fits(self, value: Any) -> bool:
        """Tell whether a value is a whole number."""
        return isinstance(value, int) and not isinstance(value, bool)


class Real(Typed):
    """A finite number."""

    column = _RealColumn()
    wanted = "a finite number"

    def fits(self, value: Any) -> bool:
        """Tell whether a value is a finite number."""
        return is_number(value)


class Text(Typed):
    """A text that is not empty."""

    column = _TextColumn()
    wanted = "a text that is not empty"

    def fits(self, value: Any) -> bool:
        """Tell whether a value is such a text."""
        return isinstance(value, str) and bool(value)


class Flag(Typed):
    """True or false."""

    column = _FlagColumn()
    wanted = "true or false"

    def fits(self, value: Any) -> bool:
        """Tell whether a value is true or false."""
        return isinstance(value, bool)


class Vector(Typed):
    """So many finite numbers; read and written, not filtered on."""

    def __init__(self, length: int, **options: Any) -> None:
        super().__init__(**options)
        self.length = length

    @property
    def wanted(self) -> str:  # type: ignore[override]
        """Say what is asked for."""
        return f"a list of {self.length} finite numbers"

    def fits(self, value: Any) -> bool:
        """Tell whether a value is such a list."""
        if not isinstance(value, Sequence) or len(value) != self.length:
            return False
        return all(map(is_number, value))
