"""Who may hear of what; writing, reading and forgetting events."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from django.db import connection, transaction
from django.utils import timezone

from astrid.core.errors import AstridError
from astrid.core.locks import queue_up
from catalog.live.models import Event, EventKind
from detection.models import Detection

PERMISSIONS = {
    EventKind.DETECTION: "detection.view_detection",
    EventKind.JUDGED: "detection.view_detection",
    EventKind.JOB: "catalog.view_processingjob",
    EventKind.EXPORT: "catalog.view_exportjob",
    EventKind.CROSSMATCH: "catalog.view_crossmatchjob",
    EventKind.ALERT: "curation.view_alert",
}
_WHOSE = "requester_id"  # among the facts of what nobody else hears of
KEPT = timedelta(days=3)
_PLACE = re.compile(r"(\d{1,18})-(\d{1,18})")
# Numbers are given under a lock that is held until they are committed: whoever sees one sees all
# before it. Those who did the thing do not wait for it; a reader does, for so long at most.
_LOCK, _LOCK_TIMEOUT = "catalog.live.events", "2s"
_AT_ONCE = 5000
_NUMBER = """
WITH waiting AS (
    SELECT id, row_number() OVER (ORDER BY id) AS ahead
    FROM catalog_event WHERE number IS NULL ORDER BY id LIMIT %s
)
UPDATE catalog_event SET number = ahead + (SELECT coalesce(max(number), 0) FROM catalog_event)
FROM waiting WHERE catalog_event.id = waiting.id
"""


class BadPlace(AstridError):
    """An id that no event has had."""


@dataclass(frozen=True, order=True)
class Place:
    """How far somebody has read: the number of an event, and which transaction it was of.

    A database that was brought back from a dump gives the same numbers to other events; their
    transactions tell.
    """

    number: int
    transaction: int

    @classmethod
    def of(cls, text: str) -> Self:
        """Read the id of an event.

        Raises
        ------
        BadPlace
            If it is none.
        """
        found = _PLACE.fullmatch(text)
        if found is None:
            raise BadPlace(f"{text!r} is no id of an event; they look like 1234-567")
        return cls(int(found[2]), int(found[1]))

    def __str__(self) -> str:
        return f"{self.transaction}-{self.number}"


BEGINNING = Place(0, 0)


def place_of(event: Event) -> Place:
    """Give where an event stands that has been numbered."""
    return Place(event.number or 0, event.transaction)


def kinds_for(person: Any) -> set[EventKind]:
    """Give what a person may hear of."""
    return {kind for kind, right in PERMISSIONS.items() if person.has_perm(right)}


def is_for(event: Event, person_id: Any) -> bool:
    """Say whether an event of a kind that a person may hear of is not another's alone."""
    private = event.kind == EventKind.CROSSMATCH
    return not private or event.facts[_WHOSE] == person_id


def tell_of(detections: Iterable[Detection]) -> None:
    """Write down, in the caller's transaction, that something was found."""
    Event.objects.bulk_create(
        Event(
            kind=EventKind.DETECTION,
            entity_id=one.pk,
            facts={
                "observation": str(one.observation_id),
                "sky_object": str(one.sky_object_id) if one.sky_object_id else None,
                "ra": one.ra,
                "dec": one.dec,
                "confidence": one.confidence_score,
                "type": one.detection_type,
            },
        )
        for one in detections
    )


def settle() -> None:
    """Give numbers to what is committed and has none, in the order in which it was written down.

    Raises
    ------
    OperationalError
        If another process has begun to and does not end; nothing has changed then.
    """
    while Event.objects.filter(number=None).exists():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_LOCK_TIMEOUT])
            queue_up(_LOCK)
            cursor.execute(_NUMBER, [_AT_ONCE])


def newest() -> Place:
    """Give the place of the last event."""
    settle()
    row = Event.objects.filter(number__isnull=False).order_by("-number").first()
    return place_of(row) if row else BEGINNING


def after(place: Place, number: int) -> list[Event]:
    """Give so many events after a place, in order."""
    settle()
    return list(Event.objects.filter(number__gt=place.number).order_by("number")[:number])


def is_known(place: Place) -> bool:
    """Say whether all that came after a place is still there.

    The event itself must be: what is older may be forgotten.
    """
    if place == BEGINNING:
        return not Event.objects.exists()
    return Event.objects.filter(number=place.number, transaction=place.transaction).exists()


def forget() -> int:
    """Delete what is older than :data:`KEPT`, but for the last of it; give how many went."""
    settle()
    old = Event.objects.filter(created_at__lt=timezone.now() - KEPT)
    last = old.order_by("-number").first()
    return 0 if last is None else old.exclude(pk=last.pk).delete()[0]
