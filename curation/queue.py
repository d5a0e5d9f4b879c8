"""The queue: one row per detection that waits for a verdict."""

from collections.abc import Iterable
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from curation.models import ReviewTask, ReviewTaskQuerySet, ValidationEvent
from curation.parameters import ReviewPolicy
from detection.models import Detection, DetectionStatus

_OPEN = (DetectionStatus.PENDING, DetectionStatus.VALIDATING, DetectionStatus.VALIDATED)


def open_tasks(detections: Iterable[Detection], *, priority: int = 0) -> int:
    """Queue the detections that are not settled and not queued yet; say how many are new.

    One thing in one exposure is asked about once, by its best detection, however many
    references it stood out against.
    """
    tasks = [
        ReviewTask(detection=detection, priority=priority, score=detection.confidence_score)
        for detection in one_per_sighting(detections)
    ]
    ReviewTask.objects.bulk_create(tasks, ignore_conflicts=True)
    return ReviewTask.objects.filter(pk__in=[task.pk for task in tasks]).count()


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


def waiting_for(user: User) -> ReviewTaskQuerySet:
    """Tasks this user may take: open, not judged by them, not in another curator's hands."""
    mine = ValidationEvent.objects.filter(detection=OuterRef("detection"), validator=user)
    free = Q(lease_end__isnull=True) | Q(lease_end__lt=timezone.now()) | Q(lease_holder=user)
    return ReviewTask.objects.waiting().filter(free, ~Exists(mine))


@transaction.atomic
def take_next(user: User, policy: ReviewPolicy) -> ReviewTask | None:
    """Lease the first task of the queue to ``user``; None when nothing waits for them.

    A task already leased to them comes first, so that a reload shows the same one.
    """
    free = waiting_for(user).select_for_update(skip_locked=True, of=("self",))
    task = free.filter(lease_holder=user).first() or free.first()
    if task is not None:
        task.lease_holder = user
        task.lease_end = timezone.now() + timedelta(seconds=policy.lease_seconds)
        task.save(update_fields=["lease_holder", "lease_end", "updated_at"])
    return task
