"""Forced photometry as datasets of the light-curve store: what is new is derived from what was.

The rows of forced photometry are what is true now. A dataset is what was true when it was stored,
and stays: more points, fluxes measured anew or a zero point make another one, derived from it.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from astrid.core.locks import queue_up
from detection.curves import epochs
from detection.curves.build import Place, curves_of
from detection.curves.former import Former, formers, holds, is_due
from detection.curves.keys import MISSION, Key, method_of
from detection.curves.writing import Batch
from detection.fluxes import VERSION
from detection.models import SkyObject
from lightcurves.importing.places import Places
from lightcurves.models import Target

# Whoever stores curves takes turns: two would each derive a version from the same former one.
TURN = "detection.curves"


def store_forced(things: Collection[UUID], *, growth: float = 0.0) -> int:
    """Store the light curves of objects that are not stored as they are now; count the datasets.

    Parameters
    ----------
    things : collection of UUID
        Keys of sky objects.
    growth : float
        Share of new points from which a curve is stored anew where only points were added; with
        0 a single one is enough, and fluxes that were replaced are looked for.
    """
    with transaction.atomic():
        queue_up(TURN)
        known = formers(things)
        found = epochs.states(things)
        due = [
            key
            for key, state in found.items()
            if is_due(state, known.get(key), method_of(VERSION), growth)
        ]
        if not due:
            return 0
        points = epochs.points(due)
        places = _numbered({key.thing for key in points})
        batch = Batch()
        for key, curve in curves_of(points, places):
            former = known.get(key)
            if former is None or not holds(former, curve):
                batch.add(places[key.thing].target, curve, former or _other(key, known, found))
        return batch.write()


def _other(
    key: Key, known: Mapping[Key, Former], found: Mapping[Key, epochs.State]
) -> Former | None:
    """Give the curve that lost points to a new one in another unit: a zero point came."""
    for other, former in known.items():
        lost = other not in found or found[other].n < former.n
        if lost and replace(other, unit=key.unit) == key:
            return former
    return None


def _numbered(things: Collection[UUID]) -> dict[UUID, Place]:
    """Give the places of objects; those that have no number in the store yet get the next."""
    rows = SkyObject.objects.filter(pk__in=things).select_related("light_curve_target")
    named = list(rows.only("ra", "dec", "light_curve_target").order_by("id"))
    new = [row for row in named if row.light_curve_target is None]
    if new:
        _number(new)
    return {
        row.pk: Place(row.light_curve_target, row.ra, row.dec)
        for row in named
        if row.light_curve_target is not None
    }


def _number(things: Collection[SkyObject]) -> None:
    catalog = Places().catalog(MISSION)
    last = Target.objects.filter(catalog=catalog).aggregate(last=Max("name"))["last"] or 0
    targets = [
        Target(catalog=catalog, name=number, ra=thing.ra, dec=thing.dec)
        for number, thing in enumerate(things, last + 1)
    ]
    Target.objects.bulk_create(targets)
    for thing, target in zip(things, targets, strict=True):
        thing.light_curve_target = target
    SkyObject.objects.bulk_update(things, ["light_curve_target"], batch_size=1000)
