"""What became of every candidate of some frames: one fate each, told by the rows alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import TextChoices


class Group(TextChoices):
    """Kinds of fates, in the order in which a night is accounted for."""

    JUDGED = "judged", "Judged by people"
    WAITING = "waiting", "Waiting for people"
    REJECTED = "rejected", "Left out by rule"
    UNSCORED = "unscored", "Without a score"
    UNACCOUNTED = "unaccounted", "Not accounted for"


class Fate(TextChoices):
    """What became of a candidate."""

    REAL = "real", "Real, by curators"
    BOGUS = "bogus", "Bogus, by curators"
    DECIDED_REAL = "decided_real", "Real, by an adjudicator"
    DECIDED_BOGUS = "decided_bogus", "Bogus, by an adjudicator"
    WAITING = "waiting", "Waiting for a first verdict"
    MORE_VOTES = "more_votes", "Judged, waiting for more votes"
    OPEN = "open", "Disputed or left open by its verdicts"
    LOW_SCORE = "low_score", "Network score below the threshold"
    SAME_SIGHTING = "same_sighting", "Seen better in another difference of the exposure"
    CONTROL = "control", "Found in a control pair, where nothing should be"
    COMPARISON = "comparison", "Made by another algorithm, to be compared only"
    ARCHIVED = "archived", "Archived by an operator"
    NO_SCORE = "no_score", "The network could not judge it"
    SCORING_FAILED = "scoring_failed", "The inference failed"
    NOT_YET_SCORED = "not_yet_scored", "The inference has not run yet"
    LOST = "lost", "No rule, no verdict, no task"


GROUPS: dict[Group, tuple[Fate, ...]] = {
    Group.JUDGED: (Fate.REAL, Fate.BOGUS, Fate.DECIDED_REAL, Fate.DECIDED_BOGUS),
    Group.WAITING: (Fate.WAITING, Fate.MORE_VOTES, Fate.OPEN),
    Group.REJECTED: (
        Fate.LOW_SCORE, Fate.SAME_SIGHTING, Fate.CONTROL, Fate.COMPARISON, Fate.ARCHIVED,
    ),
    Group.UNSCORED: (Fate.NO_SCORE, Fate.SCORING_FAILED, Fate.NOT_YET_SCORED),
    Group.UNACCOUNTED: (Fate.LOST,),
}  # fmt: skip
GROUP_OF: dict[Fate, Group] = {fate: group for group, all_ in GROUPS.items() for fate in all_}

# What waits in the queue is waiting whatever a rule says of it (the audit asks about what the
# network rejected); what people settled is judged; only then do the rules speak.
_FATES = """
WITH runs AS MATERIALIZED (
    SELECT run.id, frame.observation_id AS frame, frame.filter_band AS band,
           frame.observation_time AS taken_at, run.is_comparison, run.is_control, run.algorithm,
           last.status AS scoring, last.error_message AS failure,
           model.name || ' ' || model.version AS network,
           last.figures #>> '{quality,threshold}' AS threshold
    FROM differencing_differencerun AS run
    JOIN observations_observation AS frame ON frame.id = run.observation_id
    LEFT JOIN LATERAL (
        SELECT status, error_message, model_id, figures FROM detection_modelrun AS every
        WHERE every.difference_run_id = run.id AND NOT every.is_shadow
        ORDER BY (every.status = 'completed') DESC, every.id DESC LIMIT 1
    ) AS last ON true
    LEFT JOIN detection_model AS model ON model.id = last.model_id
    WHERE run.observation_id = ANY(%(frames)s)
), known AS MATERIALIZED (
    SELECT found.id AS candidate, runs.frame, runs.band, runs.taken_at, found.ra, found.dec,
           found.pixel_x, found.pixel_y, found.significance, found.snr, found.network_score,
           found.unscored_reason, runs.network, runs.threshold, runs.algorithm, runs.failure,
           one.id AS detection, one.status, one.human_label AS label, one.is_audit,
           one.designation AS object, one.votes,
           CASE
           WHEN one.status <> 'archived' AND one.task IS NOT NULL AND one.done_at IS NULL THEN
                CASE WHEN one.status = 'validating' THEN 'open'
                     WHEN one.votes > 0 THEN 'more_votes' ELSE 'waiting' END
           WHEN one.status = 'archived' THEN 'archived'
           WHEN one.status = 'validating' THEN 'open'
           WHEN one.status IN ('confirmed', 'validated', 'rejected') THEN
                CASE WHEN EXISTS (
                    SELECT FROM curation_validationevent AS said
                    WHERE said.detection_id = one.id AND said.decides AND NOT EXISTS (
                        SELECT FROM curation_validationevent AS later
                        WHERE later.supersedes_id = said.id
                    )
                ) THEN 'decided_' ELSE '' END
                || CASE one.status WHEN 'rejected' THEN 'bogus' ELSE 'real' END
           WHEN runs.is_comparison THEN 'comparison'
           WHEN found.status = 'rejected' THEN 'low_score'
           WHEN one.id IS NOT NULL AND runs.is_control THEN 'control'
           WHEN one.id IS NOT NULL AND EXISTS (
                SELECT FROM detection_detection AS better
                JOIN curation_reviewtask AS asked ON asked.detection_id = better.id
                WHERE better.sky_object_id = one.sky_object_id
                  AND better.observation_id = one.observation_id
           ) THEN 'same_sighting'
           WHEN one.id IS NOT NULL THEN 'lost'
           WHEN found.unscored_reason <> '' THEN 'no_score'
           WHEN found.status NOT IN ('pending', 'processing') THEN 'lost'
           WHEN runs.scoring = 'failed' THEN 'scoring_failed'
           WHEN runs.scoring = 'completed' THEN 'lost'
           ELSE 'not_yet_scored'
           END AS fate
    FROM runs
    JOIN differencing_candidate AS found ON found.difference_run_id = runs.id
    LEFT JOIN LATERAL (
        SELECT every.id, every.status, every.human_label, every.is_audit, every.sky_object_id,
               every.observation_id, task.id AS task, task.done_at, task.votes,
               thing.designation
        FROM detection_detection AS every
        LEFT JOIN curation_reviewtask AS task ON task.detection_id = every.id
        LEFT JOIN detection_skyobject AS thing ON thing.id = every.sky_object_id
        WHERE every.candidate_id = found.id
        ORDER BY (every.status <> 'pending') DESC, every.id DESC LIMIT 1
    ) AS one ON true
)
"""
_WHY = """
CASE fate
    WHEN 'low_score' THEN network || ', threshold ' || round(threshold::numeric, 4)
    WHEN 'no_score' THEN %s
    WHEN 'scoring_failed' THEN coalesce(failure, 'no reason recorded')
    WHEN 'comparison' THEN algorithm
    WHEN 'waiting' THEN CASE WHEN is_audit THEN 'rejected by the network, drawn for the audit'
                             ELSE '' END
    ELSE ''
END AS why
"""
# The figures of a reason tell one candidate from another, its first words one kind from another.
_KIND = _WHY % "split_part(unscored_reason, ';', 1)"
_COUNTS = f"""{_FATES}
SELECT fate, {_KIND}, count(*) FROM known GROUP BY 1, 2 ORDER BY 3 DESC, 2
"""  # noqa: S608 -- no word of it comes from outside
_ALERTS = "(SELECT count(*) FROM curation_alert WHERE detection_id = detection)"
_ROWS = f"""{_FATES}
SELECT candidate, frame, band, taken_at, ra, dec, pixel_x, pixel_y, significance, snr,
       network_score, fate, {_WHY % "unscored_reason"}, detection, object, status, label, votes,
       {_ALERTS} AS alerts
FROM known
WHERE (%(fates)s::text[] IS NULL OR fate = ANY(%(fates)s))
  AND (NOT %(scored)s OR network_score IS NOT NULL)
  AND (NOT %(alerted)s OR {_ALERTS} > 0)
  AND (%(after)s::uuid IS NULL OR candidate > %(after)s::uuid)
ORDER BY candidate
LIMIT %(limit)s
"""  # noqa: S608 -- no word of it comes from outside


@dataclass(frozen=True)
class Count:
    """So many candidates of one fate, for one reason."""

    fate: Fate
    why: str
    number: int


@dataclass(frozen=True)
class Row:
    """A candidate with its fate; degrees ICRS, pixels from 0."""

    candidate: UUID
    frame: str
    band: str
    taken_at: datetime
    ra: float
    dec: float
    pixel_x: float
    pixel_y: float
    significance: float | None
    snr: float | None
    network_score: float | None
    fate: str
    why: str
    detection: UUID | None
    object: str | None
    status: str | None
    label: str | None
    votes: int | None
    alerts: int

    @property
    def words(self) -> str:
        """The fate in words."""
        return str(Fate(self.fate).label)


COLUMNS = tuple(each.name for each in fields(Row))


@dataclass(frozen=True)
class Wanted:
    """Which candidates to list: those of some fates, scored ones only, alerted ones only."""

    fates: tuple[Fate, ...] | None = None
    scored: bool = False
    alerted: bool = False


def counts(frames: Sequence[UUID]) -> list[Count]:
    """Count the candidates of frames by fate and reason."""
    found = _asked(_COUNTS, {"frames": list(frames)})
    return [Count(Fate(fate), why or "", number) for fate, why, number in found]


def rows(
    frames: Sequence[UUID], wanted: Wanted, *, limit: int | None = None, after: UUID | None = None
) -> list[Row]:
    """Give candidates of frames with their fates in the order of their ids; those after one."""
    known = {
        "frames": list(frames),
        "fates": None if wanted.fates is None else [str(fate) for fate in wanted.fates],
        "scored": wanted.scored,
        "alerted": wanted.alerted,
        "limit": limit,
        "after": after,
    }
    return [Row(*values) for values in _asked(_ROWS, known)]


def all_rows(frames: Sequence[UUID]) -> Iterator[Row]:
    """Give every candidate of frames with its fate; one frame at a time is in memory."""
    for frame in frames:
        yield from rows([frame], Wanted())


def _asked(sql: str, known: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, known)
        return list(cursor.fetchall())
