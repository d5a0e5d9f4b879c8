"""Every list of the API on a database with many rows: each order with each filter, two pages."""

import argparse
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

from django.db import connection, models
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver, resolve, reverse
from django_filters import rest_framework as filters

from astrid.core.console import show, table
from astrid.core.rest.columns import ColumnFilter
from astrid.core.rest.filters import offered_orders
from benchmarks import adminlists, chaos, manyrows, plans
from observations.reading_arguments import whole

HELP = "Open every list of the API in every order with every filter, on a filled database."
ROUTE = "/api/v1/"
# What no row has, as text, number or key: the slowest to look for where no index serves.
NOTHING = {"text": "nosuch", "number": "987654321", "key": str(UUID(int=7))}

Query = dict[str, str]


@dataclass(frozen=True)
class Opened:
    """One list in one order with one filter: what its pages cost at most."""

    list: str
    query: Query
    page: str
    queries: int
    ms: float
    rows_read: int  # by all nodes of all plans, those that were thrown away too
    blocks_read: int  # of 8 KiB, those of indexes too
    whole_tables: tuple[str, ...]
    sorted_rows: int  # the most that one sort was given


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how much is written."""
    parser.add_argument(
        "--rows", type=whole(least=1000), default=1_000_000, help="detections; the rest beside them"
    )


def run(options: dict[str, Any]) -> dict[str, Any]:
    """Fill a database of its own, and open every list."""
    with chaos.scratch_database():
        rows = manyrows.fill(options["rows"])
        opened = list(open_all(adminlists.reader()))
    return {
        "rows": rows,
        "lists": len({each.list for each in opened}),
        "views": len(opened),
        "most_queries": max(each.queries for each in opened),
        "most_ms": max(each.ms for each in opened),
        "most_rows_read": max(each.rows_read for each in opened),
        "most_blocks_read": max(each.blocks_read for each in opened),
        "opened": [asdict(each) for each in opened],
    }


def open_all(client: Client) -> Iterator[Opened]:
    """Open two pages of each list in each order with each filter."""
    for address in lists():
        view: Any = resolve(address).func
        for query in queries_of(view.cls):
            yield from pages(client, address, query)


def lists() -> list[str]:
    """Give the address of every list of rows."""
    names = [name for name in get_resolver().reverse_dict if isinstance(name, str)]
    found = {reverse(name) for name in names if name.endswith("-list")}
    return sorted(one for one in found if one.startswith(ROUTE))


def queries_of(view: Any) -> Iterator[Query]:
    """Give every order of a list, with each of its filters and without."""
    chosen = [{}, *filters_of(view)]
    for order in ["", *_orders(view)]:
        for given in chosen:
            yield given | ({"ordering": order} if order else {})


def _orders(view: Any) -> Iterator[str]:
    for name in offered_orders(view):
        yield from (name, f"-{name}")


def filters_of(view: Any) -> list[Query]:
    """Give each filter of a list with values that rows have, and one that none has."""
    rows = view.queryset.order_by()
    found = [{name: value} for name, value in _column_filters(view, rows)]
    if "search" in _other_filters(view):
        found += [{"search": NOTHING["text"]}]
    if hasattr(rows, "cone_search"):
        found += [{"ra": "150", "dec": "2", "radius": "0.02"}]
    return found


def _other_filters(view: Any) -> list[str]:
    parts = [part().get_schema_operation_parameters(view) for part in view.filter_backends[1:]]
    return [each["name"] for part in parts for each in part]


def _column_filters(view: Any, rows: QuerySet) -> Iterator[tuple[str, str]]:
    kind: Any = ColumnFilter().get_filterset_class(view(action="list"), rows)
    row = rows.first()
    for name, one in kind.base_filters.items() if kind and row is not None else ():
        for value in dict.fromkeys([*_held(one, row), *_choices(one)]):
            yield name, value


def _held(one: filters.Filter, row: Any) -> Iterator[str]:
    """Give what a row has in the column of a filter, if it has something."""
    value = row
    for part in one.field_name.split("__"):
        value = getattr(value, part, None)
    value = getattr(value, "pk", value)
    if value not in (None, "") and not isinstance(value, (bool, models.Model)):
        yield str(value)


def _choices(one: filters.Filter) -> list[str]:
    """Give values that the filter takes."""
    if isinstance(one, filters.BooleanFilter):
        return ["true", "false"]
    if isinstance(one, filters.ChoiceFilter):
        return [str(value) for value, _ in one.extra["choices"]]
    if isinstance(one, filters.DateFilter):
        return ["1999-01-01"]
    if isinstance(one, filters.UUIDFilter):
        return [NOTHING["key"]]
    return [NOTHING["number" if isinstance(one, filters.NumberFilter) else "text"]]


def pages(client: Client, address: str, query: Query) -> Iterator[Opened]:
    """Open the first page of a list, the one after it, and the last."""
    yield _opened(client, address, query, "first")
    body = json.loads(client.get(address, query).content)
    if body["next"]:
        token = parse_qs(urlsplit(body["next"]).query)["page"][0]
        yield _opened(client, address, query | {"page": token}, "next")
        yield _opened(client, address, query | {"page": "last"}, "last")


def _opened(client: Client, address: str, query: Query, page: str) -> Opened:
    began = time.perf_counter()
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(address, query)
    took = time.perf_counter() - began
    if answer.status_code != 200:
        raise ValueError(f"{address}?{urlencode(query)}: {answer.status_code} {answer.content!r}")
    found = [plans.plan_of(each["sql"]) for each in captured.captured_queries]
    known = {name: value for name, value in query.items() if name != "page"}
    return Opened(
        address, known, page, len(found), 1000 * took,
        sum(plans.rows_read(plan) for plan in found),
        sum(plans.blocks_read(plan) for plan in found),
        _whole(found), max((plans.rows_sorted(plan) for plan in found), default=0),
    )  # fmt: skip


def _whole(found: Iterable[plans.Plan]) -> tuple[str, ...]:
    return tuple(sorted({name for plan in found for name in plans.whole_tables(plan)}))


def show_figures(found: dict[str, Any]) -> None:
    """Print, for each list, what its dearest view cost."""
    by_list: dict[str, list[dict[str, Any]]] = {}
    for each in found["opened"]:
        by_list.setdefault(each["list"], []).append(each)
    header = [
        "list",
        "views",
        "queries",
        "ms",
        "rows read",
        "blocks",
        "rows sorted",
        "with",
        "read whole",
    ]
    rows = [_line(name, views) for name, views in by_list.items()]
    show(table(f"lists of the API, {sum(found['rows'].values()):,} rows", header, rows))


def _line(name: str, views: list[dict[str, Any]]) -> list[str]:
    dearest = max(views, key=lambda each: each["rows_read"])
    whole_tables = sorted({table for each in views for table in each["whole_tables"]})
    return [
        name.removeprefix(ROUTE),
        str(len(views)),
        str(max(each["queries"] for each in views)),
        f"{max(each['ms'] for each in views):.0f}",
        f"{dearest['rows_read']:,}",
        f"{max(each['blocks_read'] for each in views):,}",
        f"{max(each['sorted_rows'] for each in views):,}",
        f"{urlencode(dearest['query'])} ({dearest['page']})",
        ", ".join(whole_tables) or "none",
    ]
