"""What is published: tables, their columns, and where rows have a place on the sky."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from catalog.vo.adql.errors import AdqlError
from catalog.vo.adql.reserved import quoted


@dataclass(frozen=True)
class Column:
    """A published column, described as VOTable and TAP_SCHEMA do."""

    name: str
    datatype: str
    description: str = ""
    unit: str = ""
    ucd: str = ""
    utype: str = ""
    arraysize: str = ""
    xtype: str = ""
    is_principal: bool = True
    is_indexed: bool = False
    is_standard: bool = False
    is_hidden: bool = False

    @property
    def name_in_queries(self) -> str:
        """Give the name as it is written in a query."""
        return quoted(self.name)


@dataclass(frozen=True)
class Place:
    """Columns that say where a row is; ``cell`` is its HEALPix number, which is indexed.

    ``around`` names, per order, a list of the cell and its neighbours, where a table has one.
    """

    ra: str
    dec: str
    cell: str
    around: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Area:
    """A column that shows an area, and the columns behind it: its corners and the circle round it.

    ``widest`` gives the largest radius of any row, so that areas can be sought by their centres.
    """

    name: str
    corners: str
    radius: str
    widest: Callable[[], float]


@dataclass(frozen=True)
class Table:
    """A published table, with the statement that gives its rows in the order of its columns."""

    name: str
    columns: tuple[Column, ...]
    statement: str
    parameters: tuple[Any, ...] = ()
    description: str = ""
    utype: str = ""
    place: Place | None = None
    area: Area | None = None


@dataclass(frozen=True)
class Published:
    """What one caller may ask: under each name, in lower case, what makes the table.

    ``withheld`` names the tables that other people may ask.
    """

    makers: Mapping[str, Callable[[], Table]]
    withheld: frozenset[str] = frozenset()

    def all(self) -> list[Table]:
        """Give all tables."""
        return [make() for make in self.makers.values()]

    def find(self, name: str) -> Table:
        """Give a table by its name, which may leave the schema out if only one has it.

        Raises
        ------
        AdqlError
            If none is called so, several are, or this caller may not see it.
        """
        key = name.lower()
        fits = [key] if key in self.makers else [k for k in self.makers if k.endswith(f".{key}")]
        if len(fits) == 1:
            return self.makers[fits[0]]()
        if fits:
            raise AdqlError(f"several tables are called {name!r}: {', '.join(fits)}")
        raise AdqlError(self._refusal(name))

    def _refusal(self, name: str) -> str:
        if name.lower() in self.withheld:
            return f"table {name!r} is for people who are signed in and may see it"
        near = get_close_matches(name.lower(), self.makers, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        return f"no table is called {name!r}; TAP_SCHEMA.tables lists all{hint}"
