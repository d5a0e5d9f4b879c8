"""Who may hear of what; writing, reading and forgetting events."""

import re
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import timedelta
from typing import Any, Self

from django.db import connection
from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone

from astrid.core.errors import AstridError
from catalog.live.models import Event, EventKind
from detection.models import Detection

PERMISSIONS = {
    EventKind.DETECTION: "detection.view_detection",
    EventKind.JUDGED: "detection.view_detection",
    EventKind.JOB: "catalog.view_processingjob",
    EventKind.EXPORT: "catalog.view_exportjob",
    EventKind.ALERT: "curation.view_alert",
}
KEPT = timedelta(days=3)
_PLACE = re.compile(r"(\d{1,18})-(\d{1,18})")
# The first transaction of this database that is still under way: none before it can add anything
# any more. `pg_snapshot_xmin` would also wait for the other databases of the server. Activity is
# read after the snapshot of this statement, and rows by a later statement: what ended in between
# is seen. (Numbers in activity have 32 bits; those of other roles are hidden: AstrID has one.)
_SETTLED = """
SELECT coalesce(min(next - behind), next)
FROM (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next) AS now
LEFT JOIN LATERAL (
    SELECT (next - backend_xid::text::bigint) & 4294967295 AS behind
    FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
        AND backend_xid IS NOT NULL
) AS busy ON behind < 2147483648
GROUP BY next
"""


class BadPlace(AstridError):
    """An id that no event has had."""


@dataclass(frozen=True, order=True)
class Place:
    """How far somebody has read: the transaction of an event, then its number."""

    transaction: int
    number: int

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
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.transaction}-{self.number}"


BEGINNING = Place(0, 0)


def place_of(event: Event) -> Place:
    """Give where an event stands."""
    return Place(event.transaction, event.pk)


def kinds_for(person: Any) -> set[EventKind]:
    """Give what a person may hear of."""
    return {kind for kind, right in PERMISSIONS.items() if person.has_perm(right)}


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


def _settled() -> QuerySet[Event]:
    with connection.cursor() as cursor:
        cursor.execute(_SETTLED)
        (limit,) = cursor.fetchone()
    return Event.objects.filter(transaction__lt=limit)


def newest() -> Place:
    """Give the place of the last event before which no other can come any more."""
    row = _settled().order_by("-transaction", "-id").first()
    return place_of(row) if row else BEGINNING


def after(place: Place, number: int) -> list[Event]:
    """Give the events after a place, in order; those that others may still precede are left out."""
    later: Any = RawSQL("(transaction, id) > (%s, %s)", astuple(place), BooleanField())
    return list(_settled().filter(later).order_by("transaction", "id")[:number])


def is_known(place: Place) -> bool:
    """Say whether all that came after a place is still there.

    The event itself must be: what is older may be forgotten, and a database that was brought
    back from a dump counts its transactions anew.
    """
    if place == BEGINNING:
        return not Event.objects.exists()
    same = Event.objects.filter(pk=place.number, transaction=place.transaction)
    return _settled().filter(pk__in=same.values("pk")).exists()


def forget() -> int:
    """Delete what is older than :data:`KEPT`, but for the last of it; give how many went."""
    old = Event.objects.filter(created_at__lt=timezone.now() - KEPT)
    last = old.order_by("-transaction", "-id").first()
    return 0 if last is None else old.exclude(pk=last.pk).delete()[0]
