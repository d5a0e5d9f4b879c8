"""What one page is about, and whether the person who opens it has it in the review queue."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet, Subquery
from django.utils import timezone

from curation import fakes
from curation.errors import NotFound
from curation.items import detections_by_id, name_of
from curation.models import GoldTrial, Lease, Origin
from curation.seriesrows import points_in_time
from detection.models import Detection, SkyObject

MOST_TILES = 100  # epochs of the film strip: those nearest in time to the chosen one


@dataclass(frozen=True)
class Subject:
    """An object with its epochs, or a detection that belongs to none.

    ``seen`` has every detection by time, as rows of a light curve; ``strip`` those of the film
    strip, whole, by time. ``is_held`` says that the person is to judge one of them and must not
    be told beforehand what others, or the network, think of it.
    """

    thing: SkyObject | None
    seen: Sequence[Detection]
    strip: Sequence[Detection]
    chosen: Detection | None
    is_held: bool

    @property
    def name(self) -> str:
        """What the page is headed with; who is to judge is not told that there is no object."""
        if self.thing is None and not self.is_held:
            return "Detection without an object"
        return self.thing.designation if self.thing else name_of(self.epoch)

    @property
    def epoch(self) -> Detection:
        """The detection that the page shows first; what asks for it needs one."""
        if self.chosen is None:
            raise NotFound(f"no detection belongs to {self.name} any more")
        return self.chosen

    @property
    def place(self) -> tuple[float, float]:
        """Right ascension and declination, degrees: the same whoever asks."""
        row = self.thing or self.epoch
        return row.ra, row.dec


def of_detection(key: UUID, person: User) -> Subject:
    """Open the page of the object that a detection belongs to, at its epoch.

    Raises
    ------
    NotFound
        If there is no such detection.
    """
    its_object = Detection.objects.filter(pk=key, sky_object__isnull=False).values("sky_object")
    seen = list(points_in_time().filter(sky_object=Subquery(its_object)))
    if seen:
        return _opened(seen, key, person)
    alone = detections_by_id([key]).get(key)
    if alone is not None:
        return Subject(None, [alone], [alone], alone, is_held_by(person, [key]))
    return _of_fake(key, person)


def of_epoch(key: UUID, person: User) -> Subject:
    """Open one epoch without the others, with all that its lineage names.

    Raises
    ------
    NotFound
        If there is no such detection.
    """
    found = Detection.objects.select_related("sky_object", "candidate", *_CHAIN)
    detection = found.defer("embedding").filter(pk=key).first()
    if detection is None:
        return _of_fake(key, person)
    thing = detection.sky_object
    others = Detection.objects.filter(sky_object=thing).order_by().values("pk")
    held = is_held_by(person, others if thing else [key])
    return Subject(thing, [detection], [detection], detection, held)


_CHAIN = (
    "observation__survey",
    "model_run__model",
    "model_run__observation",
    "model_run__difference_run__observation",
    "model_run__difference_run__reference_observation__survey",
    "model_run__difference_run__reference_image",
)


def of_object(key: UUID, person: User) -> Subject:
    """Open the page of an object at its last epoch.

    Raises
    ------
    NotFound
        If there is no such object.
    """
    seen = list(points_in_time().filter(sky_object=key))
    if seen:
        return _opened(seen, seen[-1].pk, person)
    thing = SkyObject.objects.filter(pk=key).first()
    if thing is None:
        raise NotFound(f"there is no object {key}; it may have been removed, or joined to another")
    return Subject(thing, [], [], None, is_held=False)


def _opened(seen: list[Detection], key: UUID, person: User) -> Subject:
    rows = detections_by_id(one.pk for one in nearest_in_time(seen, key))
    strip = [rows[one.pk] for one in seen if one.pk in rows]
    held = is_held_by(person, [one.pk for one in seen])
    return Subject(rows[key].sky_object, seen, strip, rows[key], held)


def nearest_in_time(seen: Sequence[Detection], key: UUID) -> Sequence[Detection]:
    """Give the rows around the one with this key, as many as the strip has room for."""
    at = next(index for index, one in enumerate(seen) if one.pk == key)
    start = max(0, min(at - MOST_TILES // 2, len(seen) - MOST_TILES))
    return seen[start : start + MOST_TILES]


def _of_fake(key: UUID, person: User) -> Subject:
    """Open the page of an injected source: for the person it was put before, and nobody else."""
    runs = (f"gold__{path}" for path in _CHAIN if path.startswith("model_run"))
    trials = GoldTrial.objects.select_related("gold__model_run__observation__survey", *runs)
    trial = trials.filter(person=person, shown_as=key, gold__origin=Origin.FAKE).first()
    if trial is None:
        raise NotFound(f"there is no detection {key}; it may have been removed")
    made = fakes.detection_of(trial.gold)
    return Subject(made.sky_object, [made], [made], made, is_held=True)


def is_held_by(person: User, keys: Collection[UUID] | QuerySet[Any]) -> bool:
    """Say whether a person is to judge one of these detections, for its own sake or as a test.

    ``keys`` may be a query that gives them.
    """
    leases = Lease.objects.filter(
        holder=person, ends_at__gt=timezone.now(), task__detection__in=keys
    )
    trials = GoldTrial.objects.filter(person=person, is_answered=False, shown_as__in=keys)
    return leases.values_list("pk").union(trials.values_list("pk")).exists()
