"""Every list of the admin on a database with many rows: queries, times, tables read whole."""

import argparse
import json
import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from astrid.core.console import show, table
from benchmarks import chaos, manyrows
from observations.reading_arguments import whole

HELP = "Open every list of the admin, its pages, filters and searches, on a filled database."
TIMES = 3
CHOICES = 5  # of each filter
LARGE = 100_000  # rows: a table that no list may read from end to end
BANNED = re.compile(r"\bCOUNT\(|\bOFFSET\b")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how much is written."""
    parser.add_argument(
        "--rows", type=whole(least=1000), default=1_000_000, help="detections; the rest beside them"
    )


@dataclass(frozen=True)
class Opened:
    """One address of a list, and what it cost."""

    list: str
    view: str
    address: str
    queries: int
    ms: float  # the quickest of some times: other work on the machine only adds to it
    cpu_ms: float  # of this process and, on the same machine, of PostgreSQL's
    whole_tables: tuple[str, ...]  # large ones that a query reads from end to end
    banned: tuple[str, ...]  # queries that count or skip rows


def run(options: dict[str, Any]) -> dict[str, Any]:
    """Fill a database of its own, and open every list."""
    with chaos.scratch_database():
        rows = manyrows.fill(options["rows"])
        opened = list(open_all(reader()))
    return {
        "rows": rows,
        "lists": len({each.list for each in opened}),
        "most_queries": max(each.queries for each in opened),
        "most_ms": max(each.ms for each in opened),
        "most_cpu_ms": max(each.cpu_ms for each in opened),
        "opened": [asdict(each) for each in opened],
    }


def reader() -> Client:
    """Give a browser of somebody who may open every list."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(manyrows.make_reader(), settings.AUTHENTICATION_BACKENDS[-1])
    return client


def open_all(client: Client) -> Iterator[Opened]:
    """Open each view of each list."""
    for model in admin.site._registry:
        for view, address in views_of(client, model, CHOICES):
            yield opened(client, model, view, address, TIMES)


def views_of(client: Client, model: type[models.Model], choices: int) -> Iterator[tuple[str, str]]:
    """Name the views of a list with their addresses: pages, filters, orders and searches.

    Of each filter so many choices are taken.
    """
    meta = model._meta
    start = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    answer: Any = client.get(start)
    shown = answer.context_data["cl"]
    yield "first", start
    for words, query in (
        *_pages(shown),
        *_filters(shown, choices),
        *_orders(shown),
        *_searches(shown),
    ):
        yield words, start + query


def _pages(shown: Any) -> Iterator[tuple[str, str]]:
    for words, query in getattr(shown, "page_links", []):
        if query:
            yield words.lower(), query


def _filters(shown: Any, choices: int) -> Iterator[tuple[str, str]]:
    for spec in shown.filter_specs:
        for choice in list(spec.choices(shown))[1 : 1 + choices]:
            yield f"{spec.title}: {choice['display']}", choice["query_string"]


def _orders(shown: Any) -> Iterator[tuple[str, str]]:
    for number, name in enumerate(shown.list_display):
        if name in (shown.sortable_by or ()):
            yield f"order {number}", f"?o={number}"


def _searches(shown: Any) -> Iterator[tuple[str, str]]:
    row = next(iter(shown.result_list), None)
    if row is None or not shown.search_fields:
        return
    yield "search id", f"?q={row.pk}"
    yield "search name", "?q=exposure+77"
    if hasattr(row, "ra"):
        yield "search cone", "?q=150+2+60"


def opened(
    client: Client, model: type[models.Model], view: str, address: str, times: int
) -> Opened:
    """Open an address, some times for its time and once for its queries."""
    took = [_cost(client, address) for _ in range(times)]
    statements = statements_of(client, address)
    return Opened(
        model._meta.label,
        view,
        address,
        len(statements),
        1000 * min(seconds for seconds, _ in took),
        1000 * min(cpu for _, cpu in took),
        tuple(sorted({name for sql in statements for name in _read_whole(sql)})),
        tuple(sql[:200] for sql in statements if BANNED.search(sql)),
    )


def statements_of(client: Client, address: str) -> list[str]:
    """Open an address; give the SQL that it took.

    Raises
    ------
    ValueError
        If it does not answer with a page.
    """
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(address)
    if answer.status_code != 200:
        raise ValueError(f"{address} answers {answer.status_code}")
    return [query["sql"] for query in captured.captured_queries]


def _cost(client: Client, address: str) -> tuple[float, float]:
    """Open an address; give seconds, and seconds at work."""
    began, worked = time.perf_counter(), time.process_time() + _database_s()
    client.get(address)
    return time.perf_counter() - began, time.process_time() + _database_s() - worked


def _database_s() -> float:
    """Give the CPU seconds of the connection's server process; 0 where that runs elsewhere."""
    connection.ensure_connection()
    process = Path("/proc") / str(connection.connection.info.backend_pid)
    try:
        if not (process / "comm").read_text().startswith("postgres"):
            return 0.0
        return int((process / "schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return 0.0


def _read_whole(sql: str) -> Iterator[str]:
    """Name the large tables that PostgreSQL would read from end to end."""
    if not sql.startswith("SELECT"):
        return
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}".replace("%", "%%"))
        (plan,) = cursor.fetchone()
    plan = json.loads(plan) if isinstance(plan, str) else plan
    for node in _nodes(plan[0]["Plan"]):
        if node["Node Type"] == "Seq Scan" and _rows_of(node["Relation Name"]) > LARGE:
            yield node["Relation Name"]


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", []):
        yield from _nodes(below)


def _rows_of(name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = %s", [name])
        (rows,) = cursor.fetchone()
    return int(rows)


def show_figures(found: dict[str, Any]) -> None:
    """Print, for each list, its slowest view and the most queries."""
    lists: dict[str, list[dict[str, Any]]] = {}
    for each in found["opened"]:
        lists.setdefault(each["list"], []).append(each)
    rows = []
    for name, views in lists.items():
        slowest = max(views, key=lambda each: each["cpu_ms"])
        read = sorted({table for each in views for table in each["whole_tables"]})
        counted = any(each["banned"] for each in views)
        rows.append(
            [
                name,
                str(len(views)),
                str(max(each["queries"] for each in views)),
                f"{slowest['ms']:.0f}",
                f"{slowest['cpu_ms']:.0f}",
                slowest["view"],
                ", ".join(read) or "none",
                "yes" if counted else "no",
            ]
        )
    header = [
        "list",
        "views",
        "queries",
        "ms",
        "CPU ms",
        "slowest view",
        "read whole",
        "counts or skips",
    ]
    show(table(f"lists of the admin, {sum(found['rows'].values()):,} rows", header, rows))
