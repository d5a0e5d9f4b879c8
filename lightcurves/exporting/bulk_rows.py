"""Rows of many light curves, read behind one cursor: few are in memory at once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from django.db import connection, transaction
from django.db.models import Count, Max

from astrid.core.array_bytes import DTYPES, Array
from astrid.core.array_stores import load
from lightcurves.exporting.bulk_columns import FACTS, Shape
from lightcurves.models import QualityFlagArray

POINTS = 2**18  # numbers of a column that are in memory at once, or one curve
_MOST_ROWS = 1000
# What rows share is sent with the first of them only: rows of one target come together.
_ROWS = """
    SELECT {facts},
        {same_observation}, {same_target}, d.n, {arrays}
    FROM lightcurves_dataset d
    JOIN ({chosen}) chosen(id) ON chosen.id = d.id
    JOIN lightcurves_target t ON t.id = d.target_id
    JOIN lightcurves_missioncatalog c ON c.id = t.catalog_id
    JOIN lightcurves_mission m ON m.id = c.host_mission_id
    JOIN lightcurves_observation o ON o.id = d.observation_id
    LEFT JOIN lightcurves_photometricsource s ON s.id = d.photometric_method_id
    LEFT JOIN lightcurves_processingmethod p ON p.id = d.processing_method_id
    {joins}
    WINDOW w AS (ORDER BY d.observation_id, d.target_id, d.id)
    ORDER BY d.observation_id, d.target_id, d.id
"""
_SAME_OBSERVATION = "lag(d.observation_id) OVER w IS NOT DISTINCT FROM d.observation_id"
_SAME_TARGET = f"{_SAME_OBSERVATION} AND lag(d.target_id) OVER w IS NOT DISTINCT FROM d.target_id"
_SAME = {"observation": _SAME_OBSERVATION, "target": _SAME_TARGET}
# name: column, and by which rows it is shared
_ARRAYS = {
    "cadence": ("o.cadence_reference", "observation"),
    "time": ("times.barycentric_julian_dates", "target"),
    "value": ("d.values", ""),
    "error": ("d.errors", ""),
}
_TIMES = """
    LEFT JOIN lightcurves_targetspecifictime times
        ON times.target_id = d.target_id AND times.observation_id = d.observation_id
"""
_FLAGS = """
    LEFT JOIN LATERAL (
        SELECT quality_flags AS bits FROM lightcurves_qualityflagarray f
        WHERE f.observation_id = d.observation_id AND f.type = %s
            AND (f.target_id = d.target_id OR f.target_id IS NULL)
        ORDER BY f.target_id LIMIT 1
    ) flags{number} ON true
"""
# The header of an array names its dtype in byte 5; a slice reads no more than the first piece.
_DTYPES = """
    SELECT DISTINCT get_byte(substring({column} from 5 for 1), 0)
    FROM lightcurves_dataset WHERE id IN ({chosen})
"""


@dataclass(frozen=True)
class Row:
    """A light curve: facts in the order of the shape, arrays by name, None where there is none."""

    facts: tuple[Any, ...]
    n: int
    arrays: dict[str, Array | None]


@dataclass
class Selection:
    """Datasets that were asked for."""

    datasets: Any

    def __post_init__(self) -> None:
        """Leave out an order, which costs a sort of its own."""
        self.datasets = self.datasets.order_by()

    def size(self) -> tuple[int, int]:
        """Give how many there are, and the points of the longest."""
        found = self.datasets.aggregate(rows=Count("pk"), longest=Max("n"))
        return found["rows"], found["longest"] or 0

    def flag_kinds(self) -> list[str]:
        """Name the kinds of flags that their observations have."""
        observations = self.datasets.values("observation")
        rows = QualityFlagArray.objects.filter(observation__in=observations)
        return sorted(set(rows.order_by().values_list("type", flat=True).distinct()))

    def words(self) -> dict[str, list[str]]:
        """Give the different texts of each fact that is one, in a fixed order."""
        columns = {
            "catalog": "target__catalog__name",
            "mission": "target__catalog__host_mission__name",
            "time_format": "target__catalog__host_mission__time_format_name",
            "kind": "observation__type",
            "source": "photometric_method__name",
            "method": "processing_method__name",
            "unit": "unit",
        }
        rows = list(self.datasets.values_list(*columns.values()).distinct())
        return {
            name: sorted({row[place] or "" for row in rows}) for place, name in enumerate(columns)
        }

    def value_type(self) -> Any:
        """Give the type that holds all values and errors exactly."""
        chosen, parameters = self._chosen()
        found: set[str] = set()
        with connection.cursor() as cursor:
            parts = (_DTYPES.format(column=name, chosen=chosen) for name in ("values", "errors"))
            cursor.execute(" UNION ".join(parts), [*parameters, *parameters])
            found = {DTYPES[place] for (place,) in cursor.fetchall()}
        return pa.float32() if found == {"float32"} else pa.float64()

    def rows(self, shape: Shape, longest: int) -> Iterator[Row]:
        """Give the light curves, those of one observation and target after each other."""
        chosen, parameters = self._chosen()
        query, kinds = _statement(shape, chosen)
        together = max(1, min(_MOST_ROWS, POINTS // max(longest, 1)))
        reader = _Reader(shape)
        with connection.chunked_cursor() as cursor:
            cursor.execute(query, [*parameters, *kinds])
            while part := cursor.fetchmany(together):
                yield from map(reader.row, part)

    def _chosen(self) -> tuple[str, Sequence[Any]]:
        text, parameters = self.datasets.values("pk").query.sql_with_params()
        return text, parameters


@contextmanager
def one_moment() -> Iterator[None]:
    """Let all queries of the block see the tables as the first one does."""
    is_first = not connection.in_atomic_block
    with transaction.atomic():
        if is_first:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _statement(shape: Shape, chosen: str) -> tuple[str, list[str]]:
    joins = [_TIMES] if "time" in shape.numbers else []
    joins += [_FLAGS.format(number=number) for number in range(len(shape.flags))]
    arrays = [_ARRAYS[name] for name in shape.numbers]
    arrays += [(f"flags{number}.bits", "target") for number in range(len(shape.flags))]
    query = _ROWS.format(
        facts=", ".join(FACTS[name][0] for name in shape.facts) or "NULL",
        same_observation=_SAME_OBSERVATION,
        same_target=_SAME_TARGET,
        arrays=", ".join(_once(column, shared) for column, shared in arrays) or "NULL",
        chosen=chosen,
        joins="".join(joins),
    )
    return query, list(shape.flags)


def _once(column: str, shared: str) -> str:
    """Select an array, or nothing where the row before has the same."""
    return f"CASE WHEN {_SAME[shared]} THEN NULL ELSE {column} END" if shared else column


class _Reader:
    """Turns rows of the database into light curves, with what they share with the one before."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.facts = max(len(shape.facts), 1)
        self.before: dict[str, Array | None] = {}

    def row(self, found: Sequence[Any]) -> Row:
        """Read a row."""
        same_observation, same_target, n, *held = found[self.facts :]
        arrays = {}
        for name, content in zip(self.shape.arrays, held, strict=False):
            shared = _ARRAYS.get(name, ("", "target"))[1]
            is_same = {"observation": same_observation, "target": same_target}.get(shared, False)
            arrays[name] = self.before[name] if is_same else _loaded(content)
        self.before = arrays
        return Row(tuple(found[: len(self.shape.facts)]), n, arrays)


def _loaded(content: Any) -> Array | None:
    return None if content is None else np.asarray(load(content))
