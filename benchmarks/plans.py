"""How PostgreSQL goes about a query: what it reads, what it sorts."""

import json
from collections.abc import Iterator
from typing import Any

from django.db import connection

Plan = dict[str, Any]

LARGE = 10_000  # rows: a table that no list may read from end to end


def plan_of(sql: str) -> Plan:
    """Give the plan of a query as it was carried out; an empty one for anything but a query."""
    if not sql.startswith("SELECT"):
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {sql}".replace("%", "%%")
        )
        (answer,) = cursor.fetchone()
    found: list[dict[str, Plan]] = json.loads(answer) if isinstance(answer, str) else answer
    return found[0]["Plan"]


def nodes(plan: Plan) -> Iterator[Plan]:
    """Give the steps of a plan."""
    if plan:
        yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


def rows_read(plan: Plan) -> int:
    """Count the rows that all steps went through, those they threw away too."""
    return sum(_touched(node) for node in nodes(plan))


def _touched(node: Plan) -> int:
    dropped = sum(value for name, value in node.items() if name.startswith("Rows Removed by"))
    return int((node["Actual Rows"] + dropped) * node["Actual Loops"])


def blocks_read(plan: Plan) -> int:
    """Count the blocks of 8 KiB that were looked at, those of indexes too."""
    return sum(int(plan.get(f"Shared {kind} Blocks", 0)) for kind in ("Hit", "Read"))


def rows_sorted(plan: Plan) -> int:
    """Count the rows that the largest sort was given."""
    sorts = [node for node in nodes(plan) if node["Node Type"] in ("Sort", "Incremental Sort")]
    return max((int(node["Plans"][0]["Actual Rows"]) for node in sorts), default=0)


def whole_tables(plan: Plan, least: int = LARGE) -> set[str]:
    """Name the tables of so many rows that are read from end to end."""
    read = {node["Relation Name"] for node in nodes(plan) if node["Node Type"].endswith("Seq Scan")}
    return {name for name in read if _size_of(name) > least}


def _size_of(name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = %s", [name])
        (rows,) = cursor.fetchone()
    return int(rows)
