"""Answers and tables as the page shows them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.vo.adql.schema import Column, Table
from catalog.vo.answers import Answer
from catalog.vo.tap_schema import schema_of
from catalog.vo.types import converter

SHOWN_ROWS = 500
_DIGITS = 10
_NUMBERS = ("short", "int", "long", "float", "double")


@dataclass(frozen=True)
class Head:
    """A column of an answer: its name, its unit, and whether it holds numbers."""

    name: str
    unit: str
    is_number: bool


@dataclass(frozen=True)
class Shown:
    """An answer as texts; ``total`` rows came, of which the first are shown."""

    heads: Sequence[Head]
    rows: Sequence[Sequence[tuple[str, bool]]]
    total: int
    is_cut: bool


def shown(answer: Answer) -> Shown:
    """Write the first rows of an answer as texts."""
    heads = [Head(each.name, each.unit, each.datatype in _NUMBERS) for each in answer.columns]
    rows = [_row(answer.columns, heads, row) for row in answer.rows[:SHOWN_ROWS]]
    return Shown(heads, rows, len(answer.rows), answer.is_cut)


def _row(
    columns: Sequence[Column], heads: Sequence[Head], row: Sequence[Any]
) -> list[tuple[str, bool]]:
    texts = (_text(converter(column)(value)) for column, value in zip(columns, row, strict=True))
    return [(text, head.is_number) for text, head in zip(texts, heads, strict=True)]


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.{_DIGITS}g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Described:
    """A table with the columns that can be asked."""

    table: Table
    columns: Sequence[Column]


def described(tables: Sequence[Table]) -> Iterator[Described]:
    """Describe tables for reading; what describes the others comes last."""
    for table in sorted(tables, key=_describes):
        columns = [each for each in table.columns if not each.is_hidden]
        yield Described(table, columns)


def _describes(table: Table) -> bool:
    return schema_of(table).lower() == "tap_schema"
