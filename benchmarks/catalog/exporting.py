"""Exports as CSV, beside what the database writes by itself."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import numpy as np
from django.conf import settings
from django.db import connection
from django.test import override_settings

from benchmarks import manyrows
from benchmarks.catalog.filling import TABLE
from benchmarks.spending import Server, spending
from catalog.exports import service
from catalog.models import ExportFormat

MANY, FEW = 1_000_000, 10_000
TIMES = 3
# The columns of astrid.objects, in its order.
COLUMNS = "id, designation, ra, dec, hpx, number_of_detections, first_seen, last_seen, best_class"


def measure(rows: int) -> dict[str, Any]:
    """Export objects; give seconds of both processors, and of the clock for a few."""
    number = min(rows, MANY)
    server = Server.found()
    spent: dict[str, list[float]] = {"COPY (the floor)": [], "AstrID": []}
    for _ in range(TIMES):
        for name, write in (("COPY (the floor)", _floor), ("AstrID", _export)):
            with Path("/dev/null").open("wb") as out, spending(server) as cost:
                write(number, out)
            spent[name].append(cost.seconds)
    costs = {name: float(np.median(each)) for name, each in spent.items()}
    return {"rows": number, "csv_s": costs, "few_s": _end_to_end(min(rows, FEW))}


def _floor(number: int, out: IO[bytes]) -> None:
    rows = f"SELECT {COLUMNS} FROM {TABLE} LIMIT {number}"  # noqa: S608 - names and a number
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY ({rows}) TO STDOUT (FORMAT CSV, HEADER)") as copy,
    ):
        for part in copy:
            out.write(part)


def _export(number: int, out: IO[bytes]) -> None:
    service.export(f"SELECT TOP {number} * FROM astrid.objects", ExportFormat.CSV, out)  # noqa: S608


def _end_to_end(number: int) -> float:
    """Ask for a file as a person does, make it, and store it; give seconds of the clock."""
    with TemporaryDirectory() as folder:
        local = {"BACKEND": "astrid.core.files.WholeFiles", "OPTIONS": {"location": folder}}
        with override_settings(STORAGES=settings.STORAGES | {"products": local}):
            began = time.perf_counter()
            query = f"SELECT TOP {number} * FROM astrid.objects"  # noqa: S608 - a number
            job = service.ask(manyrows.make_reader(), query, ExportFormat.CSV)
            service.work_off(job)
            took = time.perf_counter() - began
            job.refresh_from_db()
    if job.rows != number:
        raise ValueError(f"the export has {job.rows} rows of {number}: {job.error_message}")
    return took
