"""How far the candidates of a night have come, quick enough for the first page."""

from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.urls import reverse

from observations.models import Observation, ObservationStatus
from observations.night_number import NIGHT
from observations.nights import Night

COUNTED = 20_000  # detections of a night, beyond which they are not counted
# The runs have counted candidates and scores themselves. Of the detections, one more than
# COUNTED are looked up at most, each by an index.
_COUNTS = """
WITH runs AS (
    SELECT id, candidates_found FROM differencing_differencerun
    WHERE observation_id = ANY(%(frames)s) AND status = 'completed'
), found AS MATERIALIZED (
    SELECT one.id, one.status, task.id AS task, task.done_at
    FROM detection_detection AS one
    LEFT JOIN LATERAL (
        SELECT id, done_at FROM curation_reviewtask WHERE detection_id = one.id LIMIT 1
    ) AS task ON true
    WHERE one.observation_id = ANY(%(frames)s) AND one.candidate_id IS NOT NULL
    LIMIT %(limit)s
)
SELECT
    (SELECT coalesce(sum(candidates_found), 0) FROM runs),
    (SELECT coalesce(sum(last.total_predictions), 0) FROM runs CROSS JOIN LATERAL (
        SELECT total_predictions FROM detection_modelrun AS every
        WHERE every.difference_run_id = runs.id AND NOT every.is_shadow
          AND every.status = 'completed' ORDER BY every.id DESC LIMIT 1
    ) AS last),
    (SELECT count(*) FROM found
     WHERE status <> 'archived'
       AND (status = 'validating' OR (task IS NOT NULL AND done_at IS NULL))),
    (SELECT count(*) FROM found
     WHERE status IN ('confirmed', 'validated', 'rejected')
       AND (task IS NULL OR done_at IS NOT NULL)),
    (SELECT count(*) FROM found WHERE EXISTS (
        SELECT FROM curation_alert AS alert WHERE alert.detection_id = found.id)),
    (SELECT count(*) FROM found)
"""


@dataclass(frozen=True)
class Figure:
    """One number of the funnel, with the list that it counts."""

    name: str
    number: int
    url: str
    note: str = ""
    is_least: bool = False  # there may be more
    percent: int | None = None  # of the candidates


@dataclass(frozen=True)
class Funnel:
    """A night, and how far what was found in it has come."""

    night: Night
    figures: list[Figure]


def funnel(night: Night | None = None) -> Funnel | None:
    """Count what came in during a night, the newest by default; None where there is none.

    Two queries.
    """
    frames = _frames(night)
    if night is None and not frames:
        return None
    shown = night or Night(frames[0].night)
    return Funnel(shown, _figures(shown, frames))


def _frames(night: Night | None) -> list[Any]:
    wanted: Any = night.number if night else _newest()
    rows = Observation.objects.annotate(night=NIGHT).filter(night=wanted).order_by()
    return list(rows.only("pk", "status"))


def _newest() -> Any:
    rows = Observation.objects.annotate(number=NIGHT).order_by("-number")
    return rows.values("number")[:1]


def _figures(night: Night, frames: list[Any]) -> list[Figure]:
    counted = _counts([frame.pk for frame in frames])
    candidates, scored, waiting, judged, alerted, looked_up = counted
    is_least = looked_up > COUNTED
    certificate = reverse("curation:night", args=[night])
    listed = reverse("curation:night-candidates", args=[night])
    figures = [Figure("frames", len(frames), f"{certificate}#frames", _note(frames))]
    for name, number, is_part in (
        ("candidates", candidates, False),
        ("scored", scored, False),
        ("waiting", waiting, True),
        ("judged", judged, True),
        ("alerted", alerted, True),
    ):
        url = listed if name == "candidates" else f"{listed}?of={name}"
        percent = round(100 * number / candidates) if candidates else None
        figures.append(Figure(name, number, url, "", is_part and is_least, percent))
    return figures


def _note(frames: list[Any]) -> str:
    states = Counter(frame.status for frame in frames)
    failed = states[ObservationStatus.FAILED]
    return f"{failed} failed" if failed else ""


def _counts(frames: list[UUID]) -> tuple[int, ...]:
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, {"frames": frames, "limit": COUNTED + 1})
        return tuple(map(int, cursor.fetchone()))
