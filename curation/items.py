"""Tasks as the console's pages get them: everything about an item but its pixels."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.urls import reverse

from curation import figures
from curation.models import ReviewQueue, ReviewTask, ValidationEvent
from curation.series import History, histories
from detection.models import Detection

Item = dict[str, Any]
_RELATED = (
    "detection__observation",
    "detection__candidate",
    "detection__sky_object",
    "detection__model_run__difference_run",
)
# Columns that no item shows: they would be most of what is read.
_HEAVY = (
    "detection__class_probabilities",
    "detection__embedding",
    "detection__model_run__figures",
    "detection__model_run__provenance",
    "detection__model_run__difference_run__figures",
    "detection__model_run__difference_run__parameters",
    "detection__model_run__difference_run__provenance",
)


def items_of(tasks: Sequence[UUID], queue: ReviewQueue) -> list[Item]:
    """Give tasks as items, in the same order, in five queries however many there are."""
    rows = ReviewTask.objects.select_related(*_RELATED).defer(*_HEAVY).in_bulk(list(tasks))
    found = [rows[key] for key in tasks if key in rows]
    detections = [task.detection for task in found]
    past = histories(detections)
    votes = {} if queue.blind else _votes_on(detections)
    return [_item(task, past[task.detection_id], votes, blind=queue.blind) for task in found]


def _item(task: ReviewTask, past: History, votes: Any, *, blind: bool) -> Item:
    detection = task.detection
    numbers = figures.figures_of(detection, blind=blind)
    badges = figures.badges_of(
        detection,
        is_known_variable=past.is_known_variable,
        is_moving=past.is_moving(detection),
        blind=blind,
    )
    return {
        "task": str(task.pk),
        "detection": str(detection.pk),
        "url": page_of(detection),
        "name": detection.sky_object.designation if detection.sky_object else "no object",
        **pixels_of(detection),
        "figures": numbers,
        "badges": badges,
        "series": [epoch.as_json() for epoch in past.epochs],
        "series_unit": detection.photometric_system,
        "score": None if blind else detection.confidence_score,
        "votes": votes.get(detection.pk, []),
        "alt": figures.in_words(detection, numbers, badges),
        "priority": task.priority,
        "weight": task.sampling_weight,
    }


def page_of(detection: Detection) -> str:
    """Give the address of the page about a detection."""
    return reverse("admin:detection_detection_change", args=[detection.pk])


def pixels_of(detection: Detection) -> Item:
    """Say where the pixels are, how wide they are, and how they lie in the sky."""
    facts = detection.prediction_metadata or {}
    return {
        "pixels": address_of(detection.cutouts_path),
        "side": detection.model_run.parameters.get("cutout_px"),
        "scale": detection.observation.pixel_scale,
        "north": facts.get("north"),
        "east": facts.get("east"),
    }


def address_of(cutouts_path: str) -> str:
    """Give the address of stored cutouts; empty where there are none."""
    sha256 = cutouts_path.rpartition("/")[2]
    return reverse("curation:pixels", args=[sha256]) if sha256 else ""


def _votes_on(detections: Sequence[Detection]) -> dict[UUID, list[dict[str, Any]]]:
    events = ValidationEvent.objects.current().filter(detection__in=detections)
    votes: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for event in events.select_related("validator").order_by("id"):
        votes[event.detection_id].append(
            {
                "by": event.validator.get_username(),
                "verdict": event.verdict,
                "label": event.label,
                "at": event.created_at.isoformat(),
                "notes": event.notes,
            }
        )
    return votes
