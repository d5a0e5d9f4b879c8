"""Walks along rows that point at rows, each in one recursive query."""

from typing import Any

from django.db import models
from django.db.models.expressions import RawSQL

# UNION drops what was seen before, so the walk ends even if the rows ran in a circle.
_WALK = """
    WITH RECURSIVE walk(node) AS (
        SELECT {to} FROM {table} WHERE {start} = %s
        UNION
        SELECT edge.{to} FROM {table} edge JOIN walk ON edge.{start} = walk.node
    ) SELECT node FROM walk WHERE node IS NOT NULL
"""


def reachable(edges: type[models.Model], *, start: str, to: str, key: Any) -> RawSQL:
    """Give the keys reached from ``key`` along edges from column ``start`` to column ``to``.

    Parameters
    ----------
    edges : model
        Each row is an edge; a self-referring table is its own table of edges.
    start, to : str
        Fields of ``edges``.
    """
    column = {name: f'"{edges._meta.get_field(name).column}"' for name in (start, to)}  # type: ignore[union-attr]
    table = f'"{edges._meta.db_table}"'
    query = _WALK.format(table=table, start=column[start], to=column[to])
    # Table and columns come from the models; the key is a parameter.
    return RawSQL(query, [key])  # noqa: S611
