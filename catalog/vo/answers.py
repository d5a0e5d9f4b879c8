"""A query is asked: in a transaction that cannot write, for a limited time, for limited rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import Error, connection, transaction
from psycopg.errors import QueryCanceled

from astrid.core.healpix import cone_ranges
from catalog.vo.adql.parser import parse
from catalog.vo.adql.schema import Column, Published
from catalog.vo.adql.scope import Output
from catalog.vo.adql.syntax import Query
from catalog.vo.adql.translate import translate
from catalog.vo.errors import BadQuery, TooLong
from catalog.vo.types import column_of

# Classes of SQLSTATE that are the query's fault: data, syntax and access, limits, cardinality.
_THEIRS = ("21", "22", "2F", "42", "54", "0A", "P0")
_WRITES = "25006"  # in a transaction that may only read
_CHUNK = 5_000
_LIMIT = "SELECT set_config('statement_timeout', %s, true)"


@dataclass(frozen=True)
class Answer:
    """Rows with their columns; ``is_cut`` when there would have been more."""

    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]
    is_cut: bool = False


@dataclass(frozen=True)
class Limits:
    """How many rows may come, and how long it may take."""

    rows: int
    seconds: float


def ask(text: str, published: Published, limits: Limits) -> Answer:
    """Answer a query in ADQL.

    Raises
    ------
    AdqlError
        If it is no query, or names what is not published.
    BadQuery
        If the database cannot work it out, with its reason.
    TooLong
        If it takes longer than it may.
    """
    return ask_tree(parse(text), published, limits)


def ask_tree(query: Query, published: Published, limits: Limits) -> Answer:
    """Answer a query that has been read."""
    statement = translate(query, published, cone_ranges, limits.rows + 1)
    with reading(limits.seconds), connection.cursor() as cursor:
        if statement.needs_index:
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(statement.text, list(statement.parameters))
        kinds = [each.type_code for each in cursor.description]
        rows: list[tuple[Any, ...]] = []
        while chunk := cursor.fetchmany(_CHUNK):
            rows += chunk
    return answer_of(statement.outputs, kinds, rows, limits.rows)


def answer_of(
    outputs: tuple[Output, ...], kinds: list[int], rows: list[tuple[Any, ...]], most: int
) -> Answer:
    """Describe rows that the database gave; ``kinds`` are its types."""
    columns = tuple(column_of(each, kind) for each, kind in zip(outputs, kinds, strict=True))
    return Answer(columns, rows[:most], is_cut=len(rows) > most)


@contextmanager
def reading(seconds: float, *, of_one_moment: bool = False) -> Iterator[None]:
    """Let the block read, but not write, and no statement of it take longer than it may.

    ``of_one_moment`` lets all its statements see the tables as the first one does; inside a
    transaction that has begun, they see what that one sees.

    Raises
    ------
    BadQuery
        If the database refuses a statement as wrong.
    TooLong
        If a statement takes too long.
    """
    is_first = of_one_moment and not connection.in_atomic_block
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                if is_first:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                cursor.execute("SET TRANSACTION READ ONLY")
                cursor.execute(_LIMIT, [str(max(1, int(seconds * 1000)))])
            yield
            transaction.set_rollback(True)  # nothing to keep, and the limits end here
    except Error as error:
        raise _translated(error, seconds) from error


def _translated(error: Error, seconds: float) -> Exception:
    cause: Any = error.__cause__
    if isinstance(cause, QueryCanceled):
        return TooLong(
            f"the answer took longer than {seconds:g} s; ask for less, or queue the query at "
            "/vo/tap/async"
        )
    state = getattr(cause, "sqlstate", None) or ""
    if state[:2] not in _THEIRS and state != _WRITES:
        return error
    return BadQuery(f"the database cannot work this out: {cause.diag.message_primary}")
