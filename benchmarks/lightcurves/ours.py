"""The project's own store, measured in its own tables."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import F, Func, TextField

from astrid.core import shards
from astrid.core.array_stores import STORES, load
from benchmarks.lightcurves.peers import Curve
from lightcurves.models import DataSet, Instrument, Mission, MissionCatalog, Observation, Target
from lightcurves.models.slices import ArraySlice


@dataclass(frozen=True)
class Place:
    """An observation to write curves of one target into, over and over."""

    target: Target
    observation: Observation

    def rows(self, curves: list[Curve]) -> list[DataSet]:
        """Give curves as new rows."""
        where = {"target": self.target, "observation": self.observation}
        return [DataSet(values=values, errors=errors, **where) for values, errors in curves]

    def datasets(self) -> Any:
        """Give the rows of this place, with arrays."""
        return DataSet.objects.with_arrays().filter(observation=self.observation).order_by("pk")


def make_place(name: str, points: int) -> Place:
    """Make a target and an observation of so many cadences."""
    mission, _ = Mission.objects.get_or_create(
        name="Benchmark", defaults={"time_format_name": "benchmark"}
    )
    catalog, _ = MissionCatalog.objects.get_or_create(name="Benchmark", host_mission=mission)
    target, _ = Target.objects.get_or_create(catalog=catalog, name=1)
    return Place(
        target,
        Observation.objects.create(
            instrument=Instrument.objects.create(name=name), cadence_reference=np.arange(points)
        ),
    )


def make_curves(number: int, points: int, seed: int) -> list[Curve]:
    """Draw curves of float64 noise, errors as noisy as values, with 2 % of NaN."""
    rng = np.random.default_rng(seed)
    values = rng.normal(1000.0, 5.0, (number, points))
    values[rng.random((number, points)) < 0.02] = np.nan
    return list(zip(values, np.abs(rng.normal(50.0, 5.0, (number, points))), strict=True))


def rounded(curves: list[Curve]) -> list[Curve]:
    """Give curves as float32 to 1/64, which is finer than a thousandth of their noise of 5."""
    return [
        ((np.round(values * 64) / 64).astype("f4"), (np.round(errors * 64) / 64).astype("f4"))
        for values, errors in curves
    ]


def read_all(place: Place) -> int:
    """Read all curves of a place; count the numbers."""
    return sum(row.values.size + row.errors.size for row in place.datasets())


def read_rows(keys: list[int]) -> int:
    """Read the values of single rows through the ORM; count the numbers."""
    rows = DataSet.objects.only("values")
    return sum(rows.get(pk=key).values.size for key in keys)


def read_columns(keys: list[int]) -> int:
    """Read the values of single rows with the least that can be done: one query, one array."""
    found = 0
    with connection.cursor() as cursor:
        for key in keys:
            cursor.execute("SELECT values FROM lightcurves_dataset WHERE id = %s", [key])
            found += load(cursor.fetchone()[0]).size
    return found


def held(place: Place) -> dict[int, bytes]:
    """Give what the rows of a place hold, which for shards is where the numbers lie."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, values FROM lightcurves_dataset WHERE observation_id = %s",
            [place.observation.pk],
        )
        return {key: bytes(content) for key, content in cursor.fetchall()}


def read_held(contents: list[bytes]) -> int:
    """Read single vectors from the store that holds them; count the numbers."""
    return sum(load(content).size for content in contents)


def read_parts(keys: list[int], start: int, stop: int) -> int:
    """Read some numbers of single rows; count them."""
    rows = DataSet.objects.with_part("values", start, stop)
    parts = rows.values_list("values_part", flat=True)
    return sum(parts.get(pk=key).size for key in keys)


def pages_read(key: int, array: Any) -> int:
    """Count the pages of 8 kB that the server touches to compute with an array of a row."""
    digest = Func(array, function="md5", output_field=TextField())
    rows = DataSet.objects.order_by().filter(pk=key).annotate(digest=digest).values("digest")
    for _ in range(2):  # the first time the server also reads what a function is
        (found,) = json.loads(rows.explain(analyze=True, buffers=True, format="json"))
    return int(found["Plan"]["Shared Hit Blocks"] + found["Plan"]["Shared Read Blocks"])


def pages(key: int, start: int, stop: int) -> Iterator[int]:
    """Give the pages touched for a whole array, then for a part of it."""
    yield pages_read(key, F("values"))
    yield pages_read(key, ArraySlice("values", start, stop))


def table_bytes(name: str) -> int:
    """Give the bytes of a table on the disk, with its indexes and what lies beside it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size(%s)", [name])
        (found,) = cursor.fetchone()
    return int(found)


def forget() -> None:
    """Read shards as a new process does: every vector is compared with its checksum again."""
    shards.forget()


def write(place: Place, curves: list[Curve], store: str) -> None:
    """Write curves by COPY into a store."""
    DataSet.objects.copy_create(place.rows(curves), STORES[store])


def insert(place: Place, curves: list[Curve]) -> None:
    """Write curves by INSERT."""
    DataSet.objects.bulk_create(place.rows(curves))
