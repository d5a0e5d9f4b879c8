"""Lists: a thousand rows as JSON, a page over HTTP, and the last page of them all."""

from collections.abc import Callable
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.renderers import JSONRenderer
from rest_framework.test import APIRequestFactory, force_authenticate

from astrid.core import keyset
from benchmarks import manyrows
from benchmarks.spending import Server, spending
from detection.api.serializers import SkyObjectSerializer
from detection.api.views import SkyObjectViewSet
from detection.models import SkyObject

ADDRESS = "/api/v1/sky-objects/"
LONG, PAGE = 1000, 100
TIMES = 15


def measure(rows: int) -> dict[str, Any]:
    """Give milliseconds of both processors for each way, and the queries of a page."""
    person = manyrows.make_reader()
    keys = SkyObject.objects.order_by("-id")
    factory, view = (
        APIRequestFactory(SERVER_NAME="localhost"),
        SkyObjectViewSet.as_view({"get": "list"}),
    )

    def ours() -> None:
        request = factory.get(ADDRESS, {"page_size": LONG})
        force_authenticate(request, person)
        _check(view(request))

    thousand = {
        "cursor (the floor)": _floor,
        "ModelSerializer": lambda: JSONRenderer().render(
            SkyObjectSerializer(keys[:LONG], many=True).data
        ),
        "AstrID": ours,
    }
    pages = {
        "first, by key": lambda: keyset.page(keys, keyset.FIRST, PAGE),
        "last, by key": lambda: keyset.page(keys, keyset.LAST, PAGE),
    }
    return {
        "thousand_ms": _costs(thousand, TIMES),
        "page_ms": _costs(pages, TIMES)
        | _costs({"last, by OFFSET": lambda: list(keys[rows - PAGE : rows])}, 1),
        "page_queries": _queries(person),
    }


def _check(answer: Any) -> None:
    """Refuse to time an answer without rows."""
    if answer.status_code != 200 or b'"results"' not in answer.content:
        raise ValueError(f"{ADDRESS} answers {answer.status_code}: {answer.content[:200]!r}")


def _floor() -> None:
    sql, values = SkyObject.objects.order_by("-id")[:LONG].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        cursor.fetchall()


def _costs(ways: dict[str, Callable[[], Any]], times: int) -> dict[str, float]:
    server = Server.found()
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(times):
        for name, work in ways.items():
            with spending(server) as cost:
                work()
            spent[name].append(1000 * cost.seconds)
    return {name: float(np.median(each)) for name, each in spent.items()}


def _queries(person: Any) -> int:
    """Count the queries of a page of a hundred rows, sign-in and permissions among them."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(person, settings.AUTHENTICATION_BACKENDS[-1])
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(ADDRESS)
    _check(answer)
    if len(answer.json()["results"]) != PAGE:
        raise ValueError(f"a page has {len(answer.json()['results'])} rows instead of {PAGE}")
    return len(asked.captured_queries)
