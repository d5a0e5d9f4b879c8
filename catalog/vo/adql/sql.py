"""Pieces of a statement, each with the values that belong to it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from catalog.vo.adql.schema import Column


@dataclass(frozen=True)
class Sql:
    """A piece of PostgreSQL: ``%s`` stands for each value; ``about`` says what column it is."""

    text: str
    parameters: tuple[Any, ...] = ()
    about: Column | None = None

    def measured_in(self, unit: str) -> "Sql":
        """Give the same piece as the outcome of a calculation, of which only the unit is known."""
        return replace(self, about=Column("", "double", unit=unit) if unit else None)


def sql(template: str, *pieces: Sql) -> Sql:
    """Put pieces in place of each ``{}`` of a template."""
    texts = [each.text for each in pieces]
    return Sql(template.format(*texts), tuple(v for each in pieces for v in each.parameters))


def value(given: Any) -> Sql:
    """Give a value as a piece; reals are double precision, not decimals."""
    kind = {float: "::float8", list: "::float8[]"}.get(type(given), "")
    return Sql(f"%s{kind}", (given,))


def joined(separator: str, pieces: Iterable[Sql]) -> Sql:
    """Put pieces one after another."""
    pieces = tuple(pieces)
    return sql(separator.join("{}" for _ in pieces), *pieces)
