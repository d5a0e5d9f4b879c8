"""The queue: one row per detection that waits for a verdict."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet

from astrid.core.ids import lot_of
from curation import flags
from curation import policy as policies
from curation.models import ReviewQueue, ReviewTask, ReviewTaskQuerySet
from curation.parameters import ReviewOrder
from curation.urgency import doubt_of, urgency
from detection.models import Detection, DetectionStatus, ShadowScore

_OPEN = (DetectionStatus.PENDING, DetectionStatus.VALIDATING, DetectionStatus.VALIDATED)
# Within so many half-light ellipses a detection counts as lying on or beside a galaxy.
NEAR_GALAXY_RADII = 3.0


def open_tasks(
    detections: Iterable[Detection], *, priority: int = 0, order: ReviewOrder | None = None
) -> int:
    """Queue the detections that are not settled and not queued yet; say how many are new.

    One thing in one exposure is asked about once, by its best detection, however many
    references it stood out against. Each task gets what a verdict would teach, and a share of
    them, drawn by chance, is the sample that the network's figures rest on.
    """
    order = order or policies.in_force(ReviewOrder)
    chosen = one_per_sighting(detections)
    shadows = _shadow_scores(chosen)
    tasks = [
        ReviewTask(
            detection=one,
            priority=priority,
            learning=_learning(one, shadows.get(one.candidate_id), order),
            **_lot(one, order),
            **copies_of(one),
        )
        for one in chosen
    ]
    ReviewTask.objects.bulk_create(tasks, ignore_conflicts=True)
    opened = ReviewTask.objects.filter(pk__in=[task.pk for task in tasks])
    ask_for_votes(opened)
    return opened.count()


def _shadow_scores(detections: Iterable[Detection]) -> dict[Any, float]:
    """Give what challengers say of the candidates of detections; the newest counts."""
    rows = ShadowScore.objects.filter(candidate__in=[one.candidate_id for one in detections])
    return dict(rows.order_by("id").values_list("candidate", "confidence"))


def _learning(detection: Detection, shadow: float | None, order: ReviewOrder) -> float:
    doubt = doubt_of(
        detection.confidence_score,
        spread=detection.uncertainty,
        shadow=shadow,
        novelty=detection.novelty,
    )
    return urgency(doubt, order)


def _lot(detection: Detection, order: ReviewOrder) -> dict[str, float | None]:
    """Draw whether a task is in the random sample, its place there, and what it stands for."""
    lot = lot_of(detection.pk)
    if detection.is_audit:
        return {"turn": lot, "sampling_weight": detection.sampling_weight}
    if lot >= order.random_share:
        return {"turn": lot, "sampling_weight": None}
    # Of those drawn the lots lie below the share: spread over 0 to 1 they are lots again.
    return {"turn": lot / order.random_share, "sampling_weight": 1 / order.random_share}


def copies_of(detection: Detection) -> dict[str, Any]:
    """Give what a task copies of its detection, for the filters and orders of queues."""
    found, seen = detection.candidate, detection.sky_object
    taken_at = detection.observation.observation_time
    return {
        "score": detection.confidence_score,
        "survey_id": detection.observation.survey_id,
        "band": detection.observation.filter_band,
        "snr": found.snr if found else None,
        "kind": detection.detection_type,
        "flags": int(flags.of_candidate(found)),
        "is_new_object": seen is None or seen.first_seen >= taken_at,
        "near_galaxy": is_near_galaxy(detection.prediction_metadata),
    }


def is_near_galaxy(metadata: Any) -> bool:
    """Say whether the reference shows an extended source beside a detection."""
    beside = ((metadata or {}).get("context") or {}).get("neighbour")
    if not beside or beside["is_point"]:
        return False
    return bool(beside["half_light_radii"] <= NEAR_GALAXY_RADII)


def ask_for_votes(tasks: ReviewTaskQuerySet) -> None:
    """Note on tasks how many votes the queues that hold them ask for."""
    strict = ReviewQueue.objects.filter(is_active=True, votes_required__gt=1)
    tasks.filter(votes_required__gt=1).update(votes_required=1)
    for queue in strict.order_by("votes_required"):
        tasks.filter(queue.condition).update(votes_required=queue.votes_required)


def one_per_sighting(detections: Iterable[Detection]) -> list[Detection]:
    """Choose the best open detection of each object and exposure that nobody was asked about."""
    best: dict[object, Detection] = {}
    for one in sorted(detections, key=lambda one: -one.confidence_score):
        if one.status in _OPEN:
            best.setdefault((one.sky_object_id or one.pk, one.observation_id), one)
    asked = set(
        ReviewTask.objects.filter(
            detection__sky_object__in=[one.sky_object_id for one in best.values()]
        ).values_list("detection__sky_object", "detection__observation")
    )
    return [one for sighting, one in best.items() if sighting not in asked]


def queues_for(person: User) -> list[ReviewQueue]:
    """Give the active queues that a person may work on, the first one to be shown first."""
    return list(open_to(person))


def open_to(person: User) -> QuerySet[ReviewQueue]:
    """Give the active queues that name a person, or nobody."""
    named = ReviewQueue.curators.through.objects.filter(reviewqueue=OuterRef("pk"))
    is_open = ~Exists(named) | Exists(named.filter(user=person))
    return ReviewQueue.objects.filter(is_open, is_active=True)


def ensure(queues: Any) -> None:
    """Write the queue of all that waits where ``queues``, a manager, has none at all."""
    if not queues.exists():
        queues.create(slug=EVERYTHING, name="All that waits")


EVERYTHING = "all"
