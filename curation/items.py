"""Tasks as the console's pages get them: everything about an item but its pixels."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.urls import reverse

from curation import fakes, figures
from curation.models import GoldTrial, ReviewQueue, ReviewTask, ValidationEvent
from curation.series import History, histories
from detection.association import designation
from detection.known import Found, known_at, spot_of
from detection.models import Detection

Item = dict[str, Any]
NO_TESTS: Mapping[UUID, GoldTrial] = {}
_RELATED = ("observation", "candidate", "sky_object", "model_run__difference_run")
# Columns that no item shows: they would be most of what is read.
_HEAVY = (
    "class_probabilities",
    "embedding",
    "model_run__figures",
    "model_run__provenance",
    "model_run__difference_run__figures",
    "model_run__difference_run__parameters",
    "model_run__difference_run__provenance",
)


@dataclass(frozen=True)
class Place:
    """Something to be shown in the queue: a task, or a test that looks like one."""

    task: UUID
    detection: Detection
    priority: int = 0
    weight: float | None = None
    shown_as: UUID | None = None

    @property
    def is_sample(self) -> bool:
        """Whether it belongs to the random sample, or is a test that looks like one that does."""
        return self.weight is not None


def items_of(
    tasks: Sequence[UUID], queue: ReviewQueue, tests: Mapping[UUID, GoldTrial] = NO_TESTS
) -> list[Item]:
    """Give tasks as items, in the same order, in a few queries however many there are.

    Each of ``tests`` stands before the task that it is filed under, and looks like any other item.
    """
    rows = ReviewTask.objects.in_bulk(list(tasks))
    found = [rows[key] for key in tasks if key in rows]
    asked = [task.detection_id for task in found]
    asked += [trial.gold.detection_id for trial in tests.values() if trial.gold.detection_id]
    known = detections_by_id(asked)
    places: list[Place] = []
    for task in found:
        if task.pk in tests:
            places.append(_test_beside(task, tests[task.pk], known))
        places.append(Place(task.pk, known[task.detection_id], task.priority, task.sampling_weight))
    return show(places, blind=queue.blind)


def _test_beside(task: ReviewTask, trial: GoldTrial, known: Mapping[UUID, Detection]) -> Place:
    gold = trial.gold
    looks_like = Place(trial.pk, known[task.detection_id], task.priority, task.sampling_weight)
    if gold.detection_id:
        return replace(looks_like, detection=known[gold.detection_id], shown_as=trial.shown_as)
    return replace(looks_like, detection=fakes.detection_of(gold), shown_as=trial.shown_as)


def detections_by_id(keys: Iterable[UUID]) -> dict[UUID, Detection]:
    """Read detections with all that an item shows, and no more."""
    rows = Detection.objects.select_related(*_RELATED).defer(*_HEAVY)
    return rows.in_bulk(list(keys))


def show(places: Sequence[Place], *, blind: bool) -> list[Item]:
    """Give places as items; ``blind`` withholds the score and what others said.

    Both are withheld of the random sample in any case: some of it the network rejected, and its
    figures rest on verdicts that no score has swayed.
    """
    past = histories([place.detection for place in places])
    known = known_at([spot_of(place.detection) for place in places])
    seeing = [place for place in places if not (blind or place.is_sample)]
    votes = votes_on([place.detection for place in seeing if place.shown_as is None])
    return [
        _item(place, past[place.detection.pk], votes, there, blind=blind or place.is_sample)
        for place, there in zip(places, known, strict=True)
    ]


def _item(place: Place, past: History, votes: Any, known: Found, *, blind: bool) -> Item:
    detection = place.detection
    numbers = figures.figures_of(detection, blind=blind)
    badges = figures.badges_of(
        detection,
        known,
        is_known_variable=past.is_known_variable,
        is_moving=past.is_moving(detection),
        blind=blind,
    )
    return {
        "task": str(place.task),
        "detection": str(place.shown_as or detection.pk),
        "url": page_of(place.shown_as or detection.pk),
        "name": name_of(detection),
        **pixels_of(detection),
        "figures": numbers,
        "badges": badges,
        "series": [epoch.as_json() for epoch in past.epochs],
        "series_unit": detection.photometric_system,
        "score": None if blind else detection.confidence_score,
        "votes": votes.get(detection.pk, []),
        "alt": figures.in_words(detection, numbers, badges),
        "priority": place.priority,
    }


def name_of(detection: Detection) -> str:
    """Give the name of its object; one of a rejected candidate reads as that of a new object."""
    known = detection.sky_object
    return known.designation if known else designation(detection.ra, detection.dec)


def page_of(key: UUID) -> str:
    """Give the address of the page about a detection, or about a test that looks like one."""
    return reverse("curation:detection", args=[key])


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


def votes_on(detections: Sequence[Detection]) -> dict[UUID, list[dict[str, Any]]]:
    """Give the verdicts in force on detections."""
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
