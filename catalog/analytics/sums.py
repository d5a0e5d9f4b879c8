"""From tallies to summaries of days; and the same from the archive itself, to compare."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection, transaction

from catalog.analytics.contributions import DIMENSIONS, SOURCES

_STORED = f"""
SELECT {DIMENSIONS}, value, count FROM catalog_analytics
UNION ALL SELECT {DIMENSIONS}, value, count FROM catalog_tally
"""  # noqa: S608 - constants
# Each table is added up by itself: one sum over all of them would sort every contribution.
_ARCHIVE = " UNION ALL ".join(
    f"SELECT {DIMENSIONS}, sum(value) AS value, sum(count)::bigint AS count "  # noqa: S608
    f"FROM ({source.select(source.table)}) AS one GROUP BY {DIMENSIONS}"
    for source in SOURCES.values()
)
# Of surveys, networks and people that are gone nothing is kept.
_ADD = f"""
INSERT INTO catalog_analytics AS stored (id, created_at, updated_at, {DIMENSIONS}, value, count)
SELECT astrid_uuid7(), now(), now(), {DIMENSIONS}, sum(value), sum(count) FROM ({{rows}}) AS one
WHERE (survey_id IS NULL OR EXISTS (SELECT FROM observations_survey WHERE id = survey_id))
  AND (model_id IS NULL OR EXISTS (SELECT FROM detection_model WHERE id = model_id))
  AND (curator_id IS NULL OR EXISTS (SELECT FROM auth_user WHERE id = curator_id))
GROUP BY {DIMENSIONS} HAVING sum(count) <> 0 OR sum(value) <> 0
ON CONFLICT ON CONSTRAINT analytics_once DO UPDATE SET
    value = stored.value + EXCLUDED.value, count = stored.count + EXCLUDED.count,
    updated_at = now()
"""  # noqa: S608 - constants
COUNT = _ADD.format(rows=_ARCHIVE)
_FOLD = f"""
WITH taken AS (DELETE FROM catalog_tally RETURNING *)
{_ADD.format(rows=f"SELECT {DIMENSIONS}, value, count FROM taken")}
"""  # noqa: S608 - constants
_DIFFER = f"""
SELECT day, metric, sum(counted), sum(stored) FROM (
    SELECT {DIMENSIONS}, value, count AS counted, 0 AS stored FROM ({_ARCHIVE}) AS archive
    UNION ALL SELECT {DIMENSIONS}, -value, 0, count FROM ({_STORED}) AS summary
) AS both_ways GROUP BY {DIMENSIONS}
HAVING sum(counted) <> sum(stored) OR abs(sum(value)) > 1e-6 * sum(abs(value))
ORDER BY day, metric
"""  # noqa: S608 - constants


@dataclass(frozen=True)
class Difference:
    """A figure of a day that is stored as another than the archive gives."""

    day: date
    metric: str
    counted: int
    stored: int

    def __str__(self) -> str:
        return f"{self.day} {self.metric}: stored {self.stored}, counted {self.counted}"


def fold() -> None:
    """Add the tallies that are there to the summaries of their days; one statement, all or none."""
    with connection.cursor() as cursor:
        cursor.execute(_FOLD)


def differences() -> list[Difference]:
    """Count everything anew and say where the summaries differ; one statement, at one moment."""
    with connection.cursor() as cursor:
        cursor.execute(_DIFFER)
        return [Difference(*row) for row in cursor.fetchall()]


def recount() -> None:
    """Write all summaries anew, from the archive as it is at one moment; nobody waits meanwhile.

    What is written while it counts is tallied as always and stays to be added.

    Raises
    ------
    OperationalError
        If somebody added tallies meanwhile; nothing has changed then: try again.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("DELETE FROM catalog_tally")
        cursor.execute("DELETE FROM catalog_analytics")
        cursor.execute(COUNT)


def rows(condition: str, given: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Give sums of tallies and summaries as (day, survey, band, model, curator, metric, bin, ...).

    ``condition`` is one of ours, with names of ``given``.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {DIMENSIONS}, sum(value), sum(count)::bigint "  # noqa: S608 - ours
            f"FROM ({_STORED}) AS stored WHERE {condition} GROUP BY {DIMENSIONS}",
            given,
        )
        return list(cursor.fetchall())
