"""Statements that the database plans once per connection and answers in its binary form.

To plan a search of the sky index takes the database longer than to run it, and Django's cursors
send every statement to be planned anew.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from django.db import connection

from astrid.core.healpix import Ranges

# The ranges come through subqueries: a planner that sees their values thinks each plan for them
# better than the plan for all, and plans every time.
PARTS = "unnest((SELECT %s::bigint[]), (SELECT %s::bigint[])) AS part(first, last)"


def in_parts(columns: str, table: str, condition: str = "TRUE") -> str:
    """Write what is selected from, as ``near``: columns of the rows of a table in such ranges.

    The table is asked once per range: OFFSET 0 keeps the planner from joining the two. Of a join
    it expects a ninth of the table per range, and then reads all of it, in several processes.
    """
    return (
        f"{PARTS} CROSS JOIN LATERAL (SELECT {columns} FROM {table} "  # noqa: S608 - names of the model
        f"WHERE hpx BETWEEN first AND last AND {condition} OFFSET 0) AS near"
    )


def fetch_prepared(statement: bytes, values: Sequence[object]) -> list[Any]:
    """Run a statement, and give its rows.

    The types of ``values`` are part of what is planned: a place takes floats or ints, not both.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors:
        return _cursor().execute(statement, values, prepare=True, binary=True).fetchall()


def _cursor() -> psycopg.Cursor[Any]:
    """Give the connection's cursor for such statements: to make one costs half of a small search.

    It keeps the last answer until the next.
    """
    cursor: psycopg.Cursor[Any] | None = getattr(connection, "prepared_cursor", None)
    if cursor is None or cursor.connection is not connection.connection:
        cursor = connection.prepared_cursor = psycopg.Cursor(connection.connection)  # type: ignore[attr-defined]
    return cursor


def ends(ranges: Ranges) -> tuple[str, str]:
    """Write ranges as the two arrays that :data:`PARTS` takes."""
    firsts, lasts = zip(*ranges, strict=True)
    return _array(firsts), _array(lasts)


def _array(numbers: Iterable[int]) -> str:
    return f"{{{','.join(map(str, numbers))}}}"
