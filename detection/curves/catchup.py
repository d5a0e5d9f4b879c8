"""Brings stored light curves up to date where the pipeline has left points for later."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from astrid.core.ids import first_id
from detection.curves.store import store_forced
from detection.models import ForcedMeasurement

TOGETHER = 500  # objects in one transaction
# An object that nobody measured for a week has had its season; beat looks every day, and may
# have been away for a month.
PAUSE, REACH = timedelta(days=7), timedelta(days=37)


def store_all(things: Iterable[UUID]) -> Iterator[tuple[int, int]]:
    """Store the curves of objects as they are now; give how many objects and datasets by turns."""
    keys = list(things)
    for first in range(0, len(keys), TOGETHER):
        some = keys[first : first + TOGETHER]
        yield len(some), store_forced(some)


def measured() -> "QuerySet[ForcedMeasurement, UUID]":
    """Give the keys of all objects with forced photometry."""
    rows = ForcedMeasurement.objects.order_by("sky_object_id")
    return rows.values_list("sky_object_id", flat=True).distinct()


def settled(now: datetime) -> "QuerySet[ForcedMeasurement, UUID]":
    """Give the keys of objects that were measured some time ago and not since."""
    since = first_id(now - PAUSE)
    later = ForcedMeasurement.objects.filter(sky_object=OuterRef("sky_object"), id__gte=since)
    return measured().filter(id__gte=first_id(now - REACH), id__lt=since).exclude(Exists(later))
