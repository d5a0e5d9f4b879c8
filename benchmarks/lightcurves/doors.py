"""What goes out of the store: the page of a light curve, and many of them in one stream."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from benchmarks.lightcurves.ours import Place, make_place
from benchmarks.lightcurves.peers import Curve
from benchmarks.spending import Spent, spending
from lightcurves.models import DataSet, Target, TargetSpecificTime, TESSQualityFlags

BULK = "/api/v1/lightcurves/datasets/bulk/"
PAGES = 10  # openings, after a first one in which templates are read


def reader() -> Client:
    """Give a browser of somebody who may see everything."""
    client = Client(SERVER_NAME="localhost")
    person = get_user_model().objects.create_superuser("benchmark")
    client.force_login(person)
    return client


def make_page(curve: Curve) -> tuple[str, str]:
    """Store a target of one curve with times and flags; give the addresses of page and points."""
    values, errors = curve
    place = make_place("page", values.size)
    target = Target.objects.create(catalog=place.target.catalog, name=2, ra=10.0, dec=-5.0)
    where = {"target": target, "observation": place.observation}
    row = DataSet.objects.create(values=values, errors=errors, **where)
    times = 1325 + np.arange(values.size) / 720
    TargetSpecificTime.objects.create(barycentric_julian_dates=times, **where)
    bits = np.arange(values.size, dtype=np.int32) % 97 // 96 * 64
    TESSQualityFlags.objects.create(quality_flags=bits, **where)
    return target.get_absolute_url(), reverse("lightcurves:points", args=[row.pk])


def open_pages(client: Client, addresses: tuple[str, str]) -> Iterator[tuple[str, Spent]]:
    """Open page and points some times; give what each cost."""
    for address in addresses:
        get(client, address)
    for name, address in zip(("page", "points"), addresses, strict=True):
        with spending() as spent:
            for _ in range(PAGES):
                get(client, address)
        yield name, spent


def get(client: Client, address: str) -> int:
    """Fetch an address whole; count the bytes."""
    answer: Any = client.get(address)
    if answer.status_code != 200:
        raise ValueError(f"{address} answers {answer.status_code}")
    return sum(map(len, answer.streaming_content)) if answer.streaming else len(answer.content)


def stream(client: Client, place: Place, form: str) -> int:
    """Fetch the curves of a place in one stream; count the bytes."""
    columns = "dataset,target,cadence,value,error"
    return get(client, f"{BULK}?observation={place.observation.pk}&format={form}&columns={columns}")


def stream_json(place: Place, curves: int) -> int:
    """Write the same as JSON, an object per point; count the bytes."""
    return sum(len(line) for row in _some(place, curves) for line in _json_rows(row))


def one_by_one(client: Client, place: Place, curves: int) -> int:
    """Fetch the same curve by curve from the API, as lists in JSON; count the bytes."""
    view = "lightcurve-dataset-detail"
    return sum(get(client, reverse(view, args=[row.pk])) for row in _some(place, curves))


def _some(place: Place, curves: int) -> Any:
    return place.datasets().select_related("observation")[:curves]


def _json_rows(row: DataSet) -> Iterator[str]:
    arrays: Any = (row.observation.cadence_reference, row.values, row.errors)
    for cadence, value, error in zip(*(array.tolist() for array in arrays), strict=True):
        yield json.dumps(
            {
                "dataset": row.pk,
                "target": row.target_id,
                "cadence": cadence,
                "value": None if value != value else value,  # NaN
                "error": error,
            }
        )
