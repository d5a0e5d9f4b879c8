"""Verdicts as lessons for networks: which count, and how much."""

from collections import Counter
from dataclasses import dataclass
from itertools import groupby

from curation import taxonomy
from curation.models import GoldItem, ReviewTask, ValidationEvent
from curation.parameters import RetrainingParameters
from detection.lessons import Lesson
from detection.models import DetectionType


@dataclass(frozen=True)
class Lessons:
    """Judged detections to learn from, and how many were left out, by reason."""

    rows: list[Lesson]
    left_out: dict[str, int]


def collect(parameters: RetrainingParameters) -> Lessons:
    """Read one lesson per judged detection: its latest verdict in force.

    Left out are detections that people disagree on, that nobody could tell, whose answer was
    known before (gold), and that have no pixels.
    """
    events = (
        ValidationEvent.objects.current()
        .select_related(
            "detection__sky_object",
            "detection__observation__survey",
            "detection__candidate",
            "detection__model_run__difference_run",
        )
        .order_by("detection", "id")
    )
    tasks = ReviewTask.objects.in_bulk(field_name="detection_id")
    gold = set(GoldItem.objects.filter(is_active=True).values_list("detection_id", flat=True))
    classes = taxonomy.types_by_label()
    left_out: Counter[str] = Counter()
    rows = []
    for key, given in groupby(events.iterator(chunk_size=2000), lambda event: event.detection_id):
        verdicts, task = list(given), tasks.get(key)
        reason = "gold" if key in gold else _objection(verdicts)
        if reason:
            left_out[reason] += 1
        else:
            rows.append(_lesson(verdicts, task, classes, parameters))
    return Lessons(rows, dict(left_out))


def _objection(verdicts: list[ValidationEvent]) -> str:
    """Say why the verdicts on one detection teach nothing; empty where they do."""
    sides = {verdict.is_valid for verdict in _that_count(verdicts)}
    if not sides:
        return "unsure"
    if len(sides) > 1:
        return "disputed"
    return "" if verdicts[0].detection.cutouts_path else "without pixels"


def _that_count(verdicts: list[ValidationEvent]) -> list[ValidationEvent]:
    """Give the verdicts that take a side; an adjudicator's word ends a dispute."""
    decided = [verdict for verdict in verdicts if verdict.decides]
    return [verdict for verdict in decided or verdicts if not verdict.is_unsure]


def _lesson(
    verdicts: list[ValidationEvent],
    task: ReviewTask | None,
    classes: dict[str, str],
    parameters: RetrainingParameters,
) -> Lesson:
    last = _that_count(verdicts)[-1]
    fallback = DetectionType.UNKNOWN if last.is_valid else DetectionType.ARTIFACT
    weight = (task.sampling_weight if task else None) or 1.0
    stands_for = min(weight, parameters.largest_sampling_weight)
    return Lesson(
        detection=last.detection,
        is_real=last.is_valid,
        kind=classes.get(last.label or "", fallback),
        label=last.label or fallback,
        way=_way(last, task),
        weight=parameters.certainty_of(last.confidence_level) * stands_for,
    )


def _way(verdict: ValidationEvent, task: ReviewTask | None) -> str:
    if task is not None and task.offered_at is not None:
        return "random sample"
    return "queue" if verdict.queue else "by hand"
