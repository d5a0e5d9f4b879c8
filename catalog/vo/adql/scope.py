"""What names mean at one place of a query."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TypeAlias

from catalog.vo.adql.errors import AdqlError
from catalog.vo.adql.schema import Area, Column, Place
from catalog.vo.adql.sql import Sql
from catalog.vo.adql.syntax import Name, Path


@dataclass(frozen=True)
class Field:
    """A column that can be named."""

    label: str
    sql: Sql
    is_hidden: bool = False

    def is_called(self, name: Name) -> bool:
        """Tell whether a name means it; capitals do not count unless both are quoted."""
        return self.label == name.text or self.label.lower() == name.key


@dataclass(frozen=True)
class Output:
    """A column of an answer: its label, and what published column it is, if one."""

    label: str
    about: Column | None


# The queries of a WITH: under each name, the table that it became, and its columns.
Common: TypeAlias = Mapping[str, tuple[str, tuple[Output, ...]]]


@dataclass
class Relation:
    """A table in FROM: its names, from schema to table, and its columns."""

    names: tuple[str, ...]
    fields: tuple[Field, ...]
    place: Place | None = None
    area: Area | None = None
    # Columns that USING or NATURAL has made one with those of another table.
    merged: set[str] = field(default_factory=set)

    def is_called(self, path: Path) -> bool:
        """Tell whether a path, which may be shorter than the full name, means it."""
        keys = tuple(each.key.lower() for each in path)
        return not keys or keys == tuple(each.lower() for each in self.names)[-len(keys) :]

    def column(self, name: str) -> Sql:
        """Give a column by its published name."""
        return next(each.sql for each in self.fields if each.label == name)


@dataclass(frozen=True)
class Scope:
    """The tables of a query, and those of the queries round it."""

    relations: tuple[Relation, ...]
    outer: "Scope | None" = None

    def resolve(self, path: Path) -> Sql:
        """Find what a column's name means.

        Raises
        ------
        AdqlError
            If no column is called so, or several are.
        """
        *tables, column = path
        found = list(self._named(tuple(tables), column))
        if len(found) > 1:
            raise AdqlError(f"column {written(path)!r} is in several tables; write whose it is")
        if found:
            return found[0].sql
        if self.outer is not None:
            return self.outer.resolve(path)
        raise AdqlError(f"no column is called {written(path)!r}{self._hint(column)}")

    def owner(self, cell: Sql) -> Relation | None:
        """Give the table that a column belongs to."""
        for relation in self.relations:
            if any(each.sql is cell for each in relation.fields):
                return relation
        return self.outer.owner(cell) if self.outer else None

    def _named(self, tables: Path, column: Name) -> Iterator[Field]:
        for relation in self.relations:
            if not relation.is_called(tables):
                continue
            for each in relation.fields:
                if each.is_called(column) and (tables or each.label not in relation.merged):
                    yield each

    def _hint(self, column: Name) -> str:
        names = [f.label for each in self.relations for f in each.fields if not f.is_hidden]
        near = get_close_matches(column.key, names, n=1)
        return f"; did you mean {near[0]}?" if near else ""

    def all_of(self, path: Path) -> list[Field]:
        """Give the columns that a star stands for.

        Raises
        ------
        AdqlError
            If no table is called so.
        """
        if not self.relations:
            raise AdqlError("* stands for the columns of tables; write FROM and a table")
        chosen = [each for each in self.relations if each.is_called(path)]
        if not chosen:
            raise AdqlError(f"no table is called {written(path)!r} in FROM")
        return [
            each
            for relation in chosen
            for each in relation.fields
            if not each.is_hidden and (path or each.label not in relation.merged)
        ]


def written(path: Path) -> str:
    """Write a path as people do."""
    return ".".join(each.text for each in path)


def relation_of(alias: str, names: tuple[str, ...], outputs: Sequence[Output]) -> Relation:
    """Give what a query that stands for a table offers by name."""
    fields = (Field(o.label, Sql(f"{alias}.c{k}", about=o.about)) for k, o in enumerate(outputs, 1))
    return Relation(names, tuple(fields))
