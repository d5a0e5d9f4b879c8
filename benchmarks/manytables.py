"""How many rows of each table there are after years, and in what they differ from one another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db import models

from benchmarks import samplerows

Expressions = Mapping[str, str]

_EPOCH_MS = 1_700_000_000_000  # of the first id; the next ones follow by a millisecond


@dataclass(frozen=True)
class Copies:
    """How a table is filled: copies of one row for each so many detections, some columns varied."""

    row: Callable[[samplerows.Sample], models.Model]
    per_detection: float
    columns: Expressions


def key(tag: int, number: str) -> str:
    """Write the id of row ``number`` of the table ``tag`` in SQL: version 7, rising."""
    time = f"lpad(to_hex({_EPOCH_MS} + ({number})::bigint), 12, '0')"
    return f"({time} || '7{tag:03x}8000000000000000')::uuid"


def one_of(*words: str) -> str:
    """Write in SQL a choice among words, evenly spread over the rows."""
    listed = ", ".join(f"'{word}'" for word in words)
    return f"(ARRAY[{listed}])[1 + mod(p.n, {len(words)})]"


FRAMES = 0.02  # exposures per detection
_FRAME = f"1 + mod(p.n, greatest(1, (%(rows)s * {FRAMES})::int))"
_THING = "1 + mod(p.n, greatest(1, (%(rows)s * 0.25)::int))"
_PLACE = {"ra": "p.ra", "dec": "p.dec", "hpx": "p.hpx"}
_WHEN = "timestamptz '2025-01-01' + p.n * interval '1 minute'"
_RARELY = "mod(p.n, 997) = 0"
_RUN = {
    "status": "CASE WHEN mod(p.n, 50) = 0 THEN 'failed' ELSE 'completed' END",
    "started_at": _WHEN,
    "observation_id": key(1, "p.n"),
}
_ABOUT = {"entity_type": "'observations.Observation'", "entity_id": key(1, _FRAME)}

_DAILY = {"day": "date '2000-01-01' + (p.n / 100)::int", "metric": "'m' || p.n"}

# In the order in which one table refers to another.
TABLES: dict[int, Copies] = {
    1: Copies(
        lambda s: s.observation,
        FRAMES,
        _PLACE | {
            "observation_id": "'exposure ' || p.n", "observation_time": _WHEN,
            "filter_band": one_of("g", "r", "i"),
            "status": "CASE WHEN mod(p.n, 50) = 0 THEN 'failed' ELSE 'differenced' END",
        },
    ),
    2: Copies(lambda s: s.preprocess_run, FRAMES, _RUN),
    3: Copies(lambda s: s.difference_run, FRAMES, _RUN),
    4: Copies(lambda s: s.model_run, FRAMES, _RUN | {"difference_run_id": key(3, "p.n")}),
    5: Copies(
        lambda s: s.candidate,
        1,
        _PLACE | {
            "difference_run_id": key(3, _FRAME), "observation_id": key(1, _FRAME),
            "significance": "5 + 20 * random()", "is_dipole": _RARELY, "is_edge": _RARELY,
            "status": one_of("detected", "rejected", "rejected", "duplicate"),
        },
    ),
    6: Copies(
        lambda s: s.sky_object,
        0.25,
        _PLACE | {
            "designation": "'AstrID J' || lpad(p.n::text, 8, '0')", "last_seen": _WHEN,
            "best_class": one_of("supernova", "variable", "transient", "unknown", "artifact"),
        },
    ),
    7: Copies(
        lambda s: s.detection,
        1,
        _PLACE | {
            "model_run_id": key(4, _FRAME), "observation_id": key(1, _FRAME),
            "candidate_id": key(5, "p.n"), "sky_object_id": key(6, _THING),
            "confidence_score": "round(random()::numeric, 3)", "is_audit": _RARELY,
            "detection_type": one_of("supernova", "variable", "transient", "unknown"),
            "status": "CASE WHEN mod(p.n, 2) = 0 THEN 'pending' ELSE 'confirmed' END",
        },
    ),
    8: Copies(
        lambda s: s.task,
        1,
        {
            "detection_id": key(7, "p.n"), "score": "random()", "priority": "mod(p.n, 3)",
            "done_at": "CASE WHEN mod(p.n, 2) = 0 THEN NULL ELSE now() END",
        },
    ),
    9: Copies(
        lambda s: s.event,
        0.5,
        {
            "detection_id": key(7, "2 * p.n"), "client_uuid": "gen_random_uuid()",
            "is_valid": "mod(p.n, 3) = 0", "is_unsure": "mod(p.n, 997) = 1 AND mod(p.n, 3) > 0",
            "label": one_of("supernova", "artifact", "variable"),
        },
    ),
    10: Copies(
        lambda s: s.audit,
        1,
        _ABOUT | {
            "action": f"CASE WHEN {_RARELY} THEN 'delete' ELSE 'update' END",
            "entity_type": one_of("observations.Observation", "curation.ReviewTask"),
        },
    ),
    11: Copies(
        lambda s: s.job,
        0.1,
        _ABOUT | {
            "run_id": "gen_random_uuid()", "scheduled_at": _WHEN, "entity_id": key(1, _FRAME),
            "status": "CASE WHEN mod(p.n, 50) = 0 THEN 'failed' ELSE 'completed' END",
            "job_type": one_of("preprocess", "difference", "inference"),
        },
    ),
    12: Copies(
        lambda s: s.alert,
        0.2,
        {"detection_id": key(7, "p.n"), "priority": one_of("low", "medium", "high")},
    ),
    13: Copies(
        lambda s: s.delivery,
        0.2,
        {
            "alert_id": key(12, "p.n"), "idempotency_key": "'many ' || p.n",
            "status": f"CASE WHEN {_RARELY} THEN 'failed' ELSE 'delivered' END",
        },
    ),
    14: Copies(
        lambda s: s.skip, 0.1, {"detection_id": key(7, "p.n"), "client_uuid": "gen_random_uuid()"}
    ),
    15: Copies(
        lambda s: s.entry,
        0.1,
        _PLACE | {
            "sky_object_id": key(6, "p.n"), "designation": "'AstrID J' || lpad(p.n::text, 8, '0')",
            "object_class": one_of("supernova", "variable", "transient"),
        },
    ),
    16: Copies(
        lambda s: s.summary, 0.2, _DAILY
    ),
    17: Copies(lambda s: s.target, 0.25, {"name": "1000 + p.n"}),
    18: Copies(lambda s: s.dataset, 0.5, {"target_id": "(%(target)s) + " + _THING}),
    19: Copies(lambda s: s.times, 0.25, {"target_id": "(%(target)s) + p.n"}),
    20: Copies(lambda s: s.flags, 0.25, {"target_id": "(%(target)s) + p.n"}),
    21: Copies(lambda s: s.ingestion, FRAMES, {"status": _RUN["status"], "started_at": _WHEN}),
    22: Copies(
        lambda s: s.raw_frame, FRAMES, {"name": "'bias ' || p.n", "observation_time": _WHEN}
    ),
    23: Copies(
        lambda s: s.reference, FRAMES, _PLACE | {"valid_from": _WHEN, "seeing": "1 + random()"}
    ),
    24: Copies(
        lambda s: s.reference_run,
        FRAMES,
        {"status": _RUN["status"], "grid_observation_id": key(1, "p.n")},
    ),
    25: Copies(
        lambda s: s.forced_run,
        FRAMES,
        {"difference_run_id": key(3, "p.n"), "asked_by_id": key(3, "p.n")},
    ),
    26: Copies(
        lambda s: s.measurement,
        0.5,
        {
            "sky_object_id": key(6, _THING), "difference_run_id": key(3, _FRAME),
            "observation_id": key(1, _FRAME), "run_id": key(25, _FRAME),
            "method_version": "'v' || p.n / greatest(1, (%(rows)s * 0.25)::int)",
        },
    ),
    27: Copies(lambda s: s.star, 0.5, _PLACE),
    28: Copies(
        lambda s: s.features,
        0.5,
        {"dataset_id": "(%(dataset)s) + p.n", "period": "random() * 10"},
    ),
    29: Copies(lambda s: s.derivation, 0.25, {"source_dataset_id": "(%(dataset)s) + p.n"}),
    30: Copies(lambda s: s.fits_frame, 0.25, {"cadence": "1 + p.n"}),
    31: Copies(
        lambda s: s.export, FRAMES, {"status": _RUN["status"], "started_at": _WHEN}
    ),
}  # fmt: skip
