"""Detections of one thing at several epochs belong to one object."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

import numpy as np
from django.db import transaction
from django.utils import timezone

from astrid.core import crossmatch
from astrid.core.locks import queue_up
from astrid.core.sky import place, separation_deg
from detection.models import Detection, SkyObject

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def associate(detections: Sequence[Detection], radius_deg: float) -> None:
    """Give every unsaved detection its sky object, an existing one or a new one.

    Callers hold a transaction: of two frames of one field processed at once, the second
    waits for the objects of the first.
    """
    queue_up("association")
    places = np.array([(one.ra, one.dec) for one in detections]).reshape(-1, 2)
    known = crossmatch.nearest(SkyObject, places[:, 0], places[:, 1], radius_deg)
    things = SkyObject.objects.in_bulk([key for key in known.keys if key is not None])
    made: list[SkyObject] = []
    for detection, key, apart in zip(detections, known.keys, known.separation_deg, strict=True):
        detection.sky_object = _nearer(made, detection, min(apart, radius_deg)) or things.get(key)
        if detection.sky_object is None:
            detection.sky_object = _new_object(detection)
            made.append(detection.sky_object)
    _name(made)
    SkyObject.objects.bulk_create(made, batch_size=1000)


def _nearer(made: list[SkyObject], detection: Detection, within_deg: float) -> SkyObject | None:
    """Give the nearest of the objects just made, if one lies ``within_deg``."""
    if not made:
        return None
    ra, dec = np.array([(one.ra, one.dec) for one in made]).T
    apart = separation_deg(detection.ra, detection.dec, ra, dec)
    nearest = int(np.argmin(apart))
    return made[nearest] if apart[nearest] <= within_deg else None


@transaction.atomic
def adopt(detection: Detection, radius_deg: float) -> None:
    """Give a stored detection its sky object: people believe in what the network rejected."""
    associate([detection], radius_deg)
    detection.save(update_fields=["sky_object", "updated_at"])
    refresh({one.sky_object.pk for one in [detection] if one.sky_object})


def _new_object(detection: Detection) -> SkyObject:
    taken_at: datetime = detection.observation.observation_time
    return SkyObject(
        ra=detection.ra,
        dec=detection.dec,
        first_seen=taken_at,
        last_seen=taken_at,
        best_class=detection.detection_type,
    )


def designation(ra: float, dec: float) -> str:
    """Name a position after the IAU's rule: coordinates cut off, not rounded."""
    hundredths, tenths = int(ra / 15 * 3600 * 100), int(abs(dec) * 3600 * 10)
    hours, degrees = hundredths // 100, tenths // 10
    return (
        f"AstrID J{_sixties(hours)}.{hundredths % 100:02d}"
        f"{'-' if dec < 0 else '+'}{_sixties(degrees)}.{tenths % 10}"
    )


def _sixties(seconds: int) -> str:
    return f"{seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}"


def _name(made: list[SkyObject]) -> None:
    """Name new objects; a second one within the rounding of a name gets a letter."""
    wanted = [[plain, *(f"{plain}{letter}" for letter in LETTERS)] for plain in _plain(made)]
    taken = set(
        SkyObject.objects.filter(designation__in=chain.from_iterable(wanted)).values_list(
            "designation", flat=True
        )
    )
    for thing, names in zip(made, wanted, strict=True):
        thing.designation = next(name for name in names if name not in taken)
        taken.add(thing.designation)


def _plain(made: list[SkyObject]) -> list[str]:
    return [designation(one.ra, one.dec) for one in made]


REFRESHED = (
    *("ra", "dec", "hpx", "number_of_detections", "first_seen", "last_seen"),
    *("best_class", "updated_at"),
)
_SEEN = ("ra", "dec", "confidence_score", "detection_type", "observation__observation_time")


def refresh(keys: Collection[UUID]) -> None:
    """Recompute what objects owe to their detections: place, times, number, best class."""
    seen: dict[UUID, list[Any]] = defaultdict(list)
    for key, *row in Detection.objects.filter(sky_object__in=keys).values_list(
        "sky_object", *_SEEN
    ):
        seen[key].append(row)
    things = list(SkyObject.objects.filter(pk__in=seen))
    for thing in things:
        _sum_up(thing, seen[thing.pk])
    place(things)
    SkyObject.objects.bulk_update(things, REFRESHED, batch_size=1000)


def _sum_up(thing: SkyObject, seen: list[Any]) -> None:
    ra, dec, scores, kinds, times = zip(*seen, strict=True)
    thing.ra, thing.dec = mean_position(list(zip(ra, dec, strict=True)))
    thing.number_of_detections = len(seen)
    thing.first_seen, thing.last_seen = min(times), max(times)
    thing.best_class = kinds[scores.index(max(scores))]
    thing.updated_at = timezone.now()


def mean_position(places: list[tuple[float, float]]) -> tuple[float, float]:
    """Average positions (degrees) as unit vectors, right at the poles and across RA 0."""
    ra, dec = np.radians(np.asarray(places, dtype=float)).T
    x, y, z = np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)
    mean_ra = np.degrees(np.arctan2(y.mean(), x.mean())) % 360
    mean_dec = np.degrees(np.arctan2(z.mean(), np.hypot(x.mean(), y.mean())))
    return float(mean_ra % 360), float(mean_dec)
