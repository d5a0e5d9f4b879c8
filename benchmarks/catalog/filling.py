"""Objects on the whole sky, half of them in clusters, in the table of the product."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction
from django.db.utils import DatabaseError

from detection.models import SkyObject

TABLE = SkyObject._meta.db_table
PART = 100_000
CLUSTERS, CLUSTER_DEG = 2000, 0.3
FIRST = np.datetime64("2025-01-01T00:00:00")

Floats = npt.NDArray[np.float64]


def fill(rows: int, seed: int) -> None:
    """Write objects; the indexes that are no constraints are built afterwards."""
    rng = np.random.default_rng(seed)
    centres = random_places(rng, CLUSTERS)
    with _indexed_afterwards():
        for start in range(0, rows, PART):
            number = min(PART, rows - start)
            ra, dec = _places(rng, number, centres)
            SkyObject.objects.copy_columns(_columns(start, number, ra, dec))
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {TABLE}")


def random_places(rng: np.random.Generator, number: int) -> tuple[Floats, Floats]:
    """Give positions all over the sky."""
    return rng.uniform(0, 360, number), np.degrees(np.arcsin(rng.uniform(-1, 1, number)))


def _places(
    rng: np.random.Generator, number: int, centres: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    ra, dec = random_places(rng, number)
    many = number // 2
    chosen = rng.integers(0, CLUSTERS, many)
    dec[:many] = np.clip(centres[1][chosen] + rng.normal(0, CLUSTER_DEG, many), -90, 90)
    wide = np.maximum(np.cos(np.radians(dec[:many])), 0.01)
    ra[:many] = (centres[0][chosen] + rng.normal(0, CLUSTER_DEG, many) / wide) % 360
    return ra, dec


def _columns(start: int, number: int, ra: Floats, dec: Floats) -> dict[str, Any]:
    counts = np.arange(start, start + number)
    seen = FIRST + counts.astype("m8[s]")
    return {
        "designation": [f"bench {count:09d}" for count in counts],
        "ra": ra,
        "dec": dec,
        "number_of_detections": 1 + counts % 7,
        "first_seen": seen,
        "last_seen": seen + np.timedelta64(1, "D"),
        "best_class": "transient",
    }


@contextmanager
def _indexed_afterwards() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND NOT EXISTS"
            " (SELECT FROM pg_constraint WHERE conname = indexname)",
            [TABLE],
        )
        found = cursor.fetchall()
        for name, _ in found:
            cursor.execute(f'DROP INDEX "{name}"')
        yield
        for _, definition in found:
            cursor.execute(definition)


def add_q3c() -> str:
    """Install q3c and its index; say which version, or why there is none."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS q3c")
    except DatabaseError as error:
        return f"q3c not available: {str(error).splitlines()[0]}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX bench_q3c ON {TABLE} (q3c_ang2ipix(ra, dec))")
        cursor.execute(f"ANALYZE {TABLE}")
        cursor.execute("SELECT extversion FROM pg_extension WHERE extname = 'q3c'")
        return f"q3c {cursor.fetchone()[0]}"
