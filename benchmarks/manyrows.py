"""A database as it is after years: one row of each table by the models, the rest copied in SQL."""

import uuid
from typing import Any

import numpy as np
from django.contrib.auth import get_user_model
from django.db import connection, transaction

from astrid.core.healpix import healpix
from benchmarks import samplerows
from benchmarks.manytables import TABLES, Copies, key


def fill(rows: int) -> dict[str, int]:
    """Write so many detections, and what there is of the rest beside them; give the rows by table.

    The connection must be a superuser's: checks of foreign keys, which the copies pass by the
    way they are made, are left out.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        sample = samplerows.make()
        cursor.execute("SET LOCAL session_replication_role = replica")
        _write_places(cursor, rows)
        counts = {
            copies.row(sample)._meta.label: _copy(cursor, tag, copies, sample, rows)
            for tag, copies in TABLES.items()
        }
        cursor.execute("SET LOCAL session_replication_role = origin")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return counts


def _write_places(cursor: Any, rows: int) -> None:
    rng = np.random.default_rng(7)
    ra, dec = rng.uniform(149, 151, rows + 1), rng.uniform(1, 3, rows + 1)
    cells = healpix(ra, dec)
    cursor.execute("CREATE TEMP TABLE places (n int, ra float8, dec float8, hpx bigint)")
    with cursor.copy("COPY places FROM STDIN") as copy:
        for line in zip(range(1, rows + 2), ra.tolist(), dec.tolist(), cells.tolist(), strict=True):
            copy.write_row(line)
    cursor.execute("CREATE UNIQUE INDEX ON places (n)")


def _copy(cursor: Any, tag: int, copies: Copies, sample: samplerows.Sample, rows: int) -> int:
    row, number = copies.row(sample), max(1, int(rows * copies.per_detection))
    columns = [str(one.column) for one in row._meta.concrete_fields if not one.generated]
    primary = str(row._meta.pk.column)
    varied = dict(copies.columns)
    if isinstance(row.pk, uuid.UUID):
        varied[primary] = key(tag, "p.n")
    else:
        varied[primary] = f"{int(row.pk)} + p.n"
    values = ", ".join(varied.get(name, f't."{name}"') for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    table = row._meta.db_table
    sql = (
        f'INSERT INTO "{table}" ({names}) SELECT {values} FROM "{table}" t'  # noqa: S608
        f" CROSS JOIN places p"
        f' WHERE t."{primary}" = %(template)s AND p.n <= %(number)s ORDER BY p.n'
    )
    given = {
        "number": number,
        "template": row.pk,
        "rows": rows,
        "target": sample.target.pk,
        "dataset": sample.dataset.pk,
    }
    cursor.execute(sql, given)
    return int(cursor.rowcount)


def make_reader() -> Any:
    """Make somebody who may open every list."""
    name = f"bench{uuid.uuid4().hex[:8]}"
    return get_user_model().objects.create_user(name, is_staff=True, is_superuser=True)
