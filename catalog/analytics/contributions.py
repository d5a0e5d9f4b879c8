"""What each row of the archive adds to the summary of a day, in SQL.

One text per table serves three ends: the triggers add what a new row contributes and take away what
an old one did; a recount sums it over the whole table; the check compares. A migration installs the
triggers (``CREATE OR REPLACE``): whoever changes a text here adds one, and recounts.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from catalog.analytics.latency import GAMMA, SHORTEST_S

DIMENSIONS = "day, survey_id, filter_band, model_id, curator_id, metric, bin"
_DAY = "({} AT TIME ZONE 'UTC')::date"


@dataclass(frozen=True)
class Source:
    """A table, and what its rows contribute.

    Attributes
    ----------
    table : str
    day, survey, band, model, curator : str
        SQL of the dimensions of row ``r``.
    joins : str
        What else is needed, each by its key.
    metrics : str
        ``(metric, bin, value, count)``, one for each contribution.
    where : str
        Which rows contribute at all.
    moved : str
        Columns whose change changes the contribution, with commas; empty: rows never change.
    """

    table: str
    day: str
    metrics: str
    where: str = "true"
    joins: str = ""
    survey: str = "o.survey_id"
    band: str = "o.filter_band"
    model: str = "NULL::uuid"
    curator: str = "NULL::int"
    moved: str = ""

    def select(self, rows: str) -> str:
        """Give the query of all contributions of some rows."""
        return (
            f"SELECT {_DAY.format(self.day)} AS day, {self.survey} AS survey_id, "  # noqa: S608
            f"{self.band} AS filter_band, {self.model} AS model_id, {self.curator} AS curator_id, "
            f"m.metric, m.bin, m.value, m.count FROM {rows} AS r {self.joins} "
            f"CROSS JOIN LATERAL (VALUES {self.metrics}) AS m(metric, bin, value, count) "
            f"WHERE ({self.where}) AND m.count <> 0"
        )


def _one(metric: str, condition: str = "true", value: str = "0.0") -> str:
    return f"('{metric}', -1, {value}::float8, ({condition})::int::bigint)"


def _several(metric: str, number: str) -> str:
    return f"('{metric}', -1, 0::float8, coalesce({number}, 0)::bigint)"


def _time(metric: str, until: str) -> str:
    """Count a time since the end of the exposure in its bin; nothing where it has not come."""
    end = "o.observation_time + o.exposure_time * interval '1 second'"
    seconds = f"coalesce(extract(epoch FROM {until} - ({end}))::float8, 0)"
    number = f"ceil(ln(greatest({seconds}, {SHORTEST_S})) / ln({GAMMA}::float8))::int"
    return f"('{metric}', {number}, {seconds}, ({until} IS NOT NULL)::int::bigint)"


_OF_FRAME = "JOIN observations_observation AS o ON o.id = r.observation_id"
_OF_RUN = (
    "JOIN detection_modelrun AS run ON run.id = {}.model_run_id "
    "LEFT JOIN differencing_differencerun AS difference ON difference.id = run.difference_run_id"
)
_COUNTS = "(difference.is_control IS NOT TRUE)"
_OF_DETECTION = (
    "JOIN detection_detection AS d ON d.id = r.detection_id "
    "JOIN detection_modelrun AS run ON run.id = d.model_run_id "
    "JOIN observations_observation AS o ON o.id = d.observation_id"
)

SOURCES: Mapping[str, Source] = {
    "frames": Source(
        "observations_observation",
        day="r.created_at",
        survey="r.survey_id",
        band="r.filter_band",
        metrics=_one("frames"),
        moved="survey_id, filter_band",
    ),
    "differences": Source(
        "differencing_differencerun",
        day="coalesce(r.completed_at, r.created_at)",
        joins=_OF_FRAME,
        metrics=f"{_one('differences')}, {_several('candidates', 'r.candidates_found')}",
        where="r.status = 'completed' AND NOT r.is_comparison AND NOT r.is_control",
        moved="status, candidates_found, completed_at",
    ),
    "inferences": Source(
        "detection_modelrun",
        day="coalesce(r.completed_at, r.created_at)",
        joins=f"{_OF_FRAME} LEFT JOIN differencing_differencerun AS difference "
        "ON difference.id = r.difference_run_id",
        model="r.model_id",
        metrics=_several("scored", "r.total_predictions"),
        where=f"r.status = 'completed' AND NOT r.is_shadow AND {_COUNTS}",
        moved="status, total_predictions, completed_at",
    ),
    "detections": Source(
        "detection_detection",
        day="r.created_at",
        joins=f"{_OF_FRAME} {_OF_RUN.format('r')}",
        model="run.model_id",
        metrics=", ".join(
            (
                _one("detections"),
                _one("confirmed", "r.status = 'confirmed'"),
                _one("rejected", "r.status = 'rejected'"),
            )
        ),
        where=f"NOT r.is_audit AND {_COUNTS}",
        moved="status, is_audit",
    ),
    "tasks": Source(
        "curation_reviewtask",
        day="m.column5",  # each contribution has a day of its own
        survey="r.survey_id",
        band="r.band",
        metrics="('opened', -1, 0::float8, 1::bigint, r.created_at), "
        "('closed', -1, 0::float8, (r.done_at IS NOT NULL)::int::bigint, r.done_at)",
        moved="done_at, survey_id, band",
    ),
    "verdicts": Source(
        "curation_validationevent",
        day="r.created_at",
        joins=_OF_DETECTION,
        model="run.model_id",
        curator="r.validator_id",
        metrics=", ".join(
            (
                _one("verdicts", value="coalesce(r.ms_spent, 0) / 1000.0"),
                _one("real", "r.is_valid"),
                _one("bogus", "NOT r.is_valid AND NOT r.is_unsure"),
                _one("unsure", "r.is_unsure"),
            )
        ),
        where="NOT r.withdrawn",
    ),
    "alerts": Source(
        "curation_alert",
        day="r.created_at",
        joins=_OF_DETECTION,
        model="run.model_id",
        metrics=", ".join(
            (_one("alerts"), _time("raised", "r.created_at"), _time("sent", "r.sent_at"))
        ),
        moved="sent_at",
    ),
    "injections": Source(
        "curation_injectiontest",
        day="r.created_at",
        joins="JOIN detection_modelrun AS run ON run.id = r.model_run_id "
        "JOIN observations_observation AS o ON o.id = run.observation_id",
        model="run.model_id",
        metrics=f"{_several('injected', 'r.injected')}, {_several('recovered', 'r.recovered')}",
        moved="injected, recovered",
    ),
}
