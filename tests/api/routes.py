"""The routes of the API, from the table of addresses itself."""

import json
from itertools import chain

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver, resolve, reverse


def list_routes():
    """Every route that lists rows."""
    names = {name for name in get_resolver().reverse_dict if isinstance(name, str)}
    paths = {reverse(name) for name in names if name.endswith("-list")}
    return sorted(path for path in paths if path.startswith("/api/v1/"))


def view_of(path):
    """The class that serves an address."""
    return resolve(path).func.cls


def queries_of(ask):
    """The SQL of what a call asks the database."""
    with CaptureQueriesContext(connection) as asked:
        ask()
    return [query["sql"] for query in asked.captured_queries]


def rows_touched(sql):
    """How many rows the plan of a query really went through, those it threw away too."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
        ((plan,),) = cursor.fetchall()
    plan = plan if isinstance(plan, list) else json.loads(plan)
    return sum(_touched(node) for node in _nodes(plan[0]["Plan"]))


def _nodes(plan):
    return [plan, *chain.from_iterable(_nodes(each) for each in plan.get("Plans", ()))]


def _touched(node):
    dropped = sum(value for name, value in node.items() if name.startswith("Rows Removed by"))
    return (node["Actual Rows"] + dropped) * node["Actual Loops"]
