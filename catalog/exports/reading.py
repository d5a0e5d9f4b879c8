"""Rows of a query, a part at a time: however many there are, few are in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO, Any, Protocol, Self

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from astrid.core.healpix import cone_ranges
from astrid.core.progress import tell
from catalog.vo.adql.parser import parse
from catalog.vo.adql.schema import Column, Published
from catalog.vo.adql.translate import Statement, translate
from catalog.vo.answers import reading
from catalog.vo.types import column_of
from catalog.vo.votable import distinct

PART_ROWS = 5000
_COUNTING = "2s"  # beyond that it is not known how many rows there will be
_LIMIT = "SELECT set_config('statement_timeout', %s, true)"
MOST_ROWS = 10**12  # an export has no limit of rows but that of its time


class Rows(Protocol):
    """Rows that can be written as a file."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """What they are made of."""

    def parts(self) -> Iterator[list[tuple[Any, ...]]]:
        """Read them from the beginning."""

    def number_and_widths(self) -> tuple[int, list[int]]:
        """Count the rows, and the bytes of the longest text of each column."""

    def copy_csv(self, out: IO[bytes]) -> int:
        """Write them as CSV; give their number."""


@dataclass(frozen=True)
class QueriedRows:
    """The rows of a query, readable inside :func:`rows_of`.

    Attributes
    ----------
    columns : tuple of Column
        With the types of the database.
    statement : Statement
    total : int, optional
        How many rows there are, where they were counted.
    """

    columns: tuple[Column, ...]
    statement: Statement
    total: int | None = None

    def parts(self) -> Iterator[list[tuple[Any, ...]]]:
        """Read them from the beginning."""
        done = 0
        with connection.chunked_cursor() as cursor:
            cursor.execute(self.statement.text, list(self.statement.parameters))
            while part := cursor.fetchmany(PART_ROWS):
                yield part
                done += len(part)
                tell(done, self.total)

    def number_and_widths(self) -> tuple[int, list[int]]:
        """Count the rows, and the bytes of the longest text of each column."""
        widths = ", ".join(
            f"coalesce(max(octet_length({_quoted(one.name)}::text)), 0)" for one in self.columns
        )
        with connection.cursor() as cursor:
            cursor.execute(self._around(f"count(*), {widths}"), list(self.statement.parameters))
            number, *found = cursor.fetchone()
        return number, found

    def copy_csv(self, out: IO[bytes]) -> int:
        """Let the database write them as CSV, which it does best; give their number."""
        plain = ", ".join(
            # The database's own t and f are words to nobody else.
            f"{_quoted(one.name)}::text AS {_quoted(one.name)}"
            if one.datatype == "boolean"
            else _quoted(one.name)
            for one in self.columns
        )
        command = f"COPY ({self._around(plain)}) TO STDOUT (FORMAT CSV, HEADER)"
        with connection.cursor() as cursor:
            with cursor.copy(command, list(self.statement.parameters)) as copy:
                self._write(iter(copy), out)
            return int(cursor.rowcount)

    def _write(self, lines: Iterator[Any], out: IO[bytes]) -> None:
        """Write what the server sends, which is one message for each row.

        Messages are joined as they come: thousands that are kept make Python look for garbage
        among all that it holds, which takes several times as long as the export.
        """
        done, held = 0, bytearray()  # line 0 names the columns
        for done, line in enumerate(lines):
            held += line
            if done and done % PART_ROWS == 0:
                out.write(bytes(held))
                held.clear()
                tell(done, self.total)
        out.write(bytes(held))
        tell(done, self.total)

    def counted(self) -> Self:
        """Count the rows, unless that takes so long that nobody should wait for it."""
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            (before,) = cursor.fetchone()
            try:
                with transaction.atomic():  # where this fails, what was asked before goes on
                    cursor.execute(_LIMIT, [_COUNTING])
                    cursor.execute(self._around("count(*)"), list(self.statement.parameters))
                    (number,) = cursor.fetchone()
                    cursor.execute(_LIMIT, [before])
            except OperationalError as error:
                if not isinstance(error.__cause__, QueryCanceled):
                    raise
                return self
        tell(0, number)
        return replace(self, total=number)

    def _around(self, selected: str) -> str:
        names = ", ".join(_quoted(one.name) for one in self.columns)
        return (
            f"SELECT {selected} FROM ({self.statement.text}) "  # noqa: S608 - translated
            f"AS answer({names})"
        )


@contextmanager
def rows_of(
    query: str, published: Published, seconds: float, *, is_counted: bool = False
) -> Iterator[QueriedRows]:
    """Ask a query in ADQL, or a table by its name alone; nothing can be written meanwhile.

    Parameters
    ----------
    query : str
        ADQL, or the name of a published table.
    published : Published
        What the requester may ask.
    seconds : float
        How long a statement may take.
    is_counted : bool
        Count them first, where that is soon done.

    Raises
    ------
    AdqlError
        If it is no query, or names what is not published.
    BadQuery, TooLong
        If the database cannot work it out, or not in time.
    """
    text = query if len(query.split()) > 1 else f"SELECT * FROM {query}"  # noqa: S608 - ADQL
    statement = translate(parse(text), published, cone_ranges, MOST_ROWS)
    with reading(seconds, of_one_moment=True):
        rows = QueriedRows(_columns(statement), statement)
        yield rows.counted() if is_counted else rows


def _columns(statement: Statement) -> tuple[Column, ...]:
    with connection.cursor() as cursor:
        described = f"SELECT * FROM ({statement.text}) AS answer LIMIT 0"  # noqa: S608
        cursor.execute(described, list(statement.parameters))
        kinds = [one.type_code for one in cursor.description]
    found = [column_of(one, kind) for one, kind in zip(statement.outputs, kinds, strict=True)]
    names = distinct([one.name for one in found])
    return tuple(replace(one, name=name) for one, name in zip(found, names, strict=True))


def _quoted(name: str) -> str:
    # A per cent sign would be taken for a parameter.
    return '"' + name.replace('"', '""').replace("%", "%%") + '"'
