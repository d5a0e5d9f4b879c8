"""Detections of one thing at several epochs belong to one object."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle
from django.db import transaction
from django.db.models import Max, Min

from astrid.core.locks import queue_up
from detection.models import Detection, SkyObject

_DESIGNATION_TRIES = 27


def associate(detections: list[Detection], radius_deg: float) -> None:
    """Give every unsaved detection its sky object, an existing one or a new one.

    Callers hold a transaction: of two frames of one field processed at once, the second
    waits for the objects of the first.
    """
    queue_up("association")
    for detection in detections:
        near = SkyObject.objects.nearest(detection.ra, detection.dec, radius_deg)
        detection.sky_object = near or _new_object(detection)


@transaction.atomic
def adopt(detection: Detection, radius_deg: float) -> None:
    """Give a stored detection its sky object: people believe in what the network rejected."""
    associate([detection], radius_deg)
    detection.save(update_fields=["sky_object", "updated_at"])
    refresh({one.sky_object.pk for one in [detection] if one.sky_object})


def _new_object(detection: Detection) -> SkyObject:
    taken_at: datetime = detection.observation.observation_time
    return SkyObject.objects.create(
        designation=_free_designation(detection.ra, detection.dec),
        ra=detection.ra,
        dec=detection.dec,
        first_seen=taken_at,
        last_seen=taken_at,
        best_class=detection.detection_type,
    )


def designation(ra: float, dec: float) -> str:
    """Name a position after the IAU's rule: coordinates cut off, not rounded."""
    hours = Angle(np.floor(ra / 15 * 3600 * 100) / 3600 / 100, u.hourangle)
    degrees = Angle(np.copysign(np.floor(abs(dec) * 36000) / 36000, dec), u.deg)
    # A hair more, so that formatting does not fall back below the cut.
    lon = (hours + 1e-9 * u.hourangle).to_string(sep="", precision=2, pad=True)
    lat = (degrees + np.copysign(1e-9, dec) * u.deg).to_string(
        sep="", precision=1, pad=True, alwayssign=True
    )
    return f"AstrID J{lon}{lat}"


def _free_designation(ra: float, dec: float) -> str:
    """Name a position; a second object within the name's rounding gets a letter."""
    plain = designation(ra, dec)
    names = [plain] + [f"{plain}{chr(ord('a') + i)}" for i in range(1, _DESIGNATION_TRIES - 1)]
    taken = set(
        SkyObject.objects.filter(designation__in=names).values_list("designation", flat=True)
    )
    return next(name for name in names if name not in taken)


REFRESHED = (
    *("ra", "dec", "hpx", "number_of_detections", "first_seen", "last_seen"),
    *("best_class", "updated_at"),
)


def refresh(keys: Collection[UUID]) -> None:
    """Recompute what objects owe to their detections: place, times, number, best class."""
    for thing in SkyObject.objects.filter(pk__in=keys):
        _refresh(thing)


def _refresh(thing: SkyObject) -> None:
    seen = list(thing.detections.values_list("ra", "dec", "confidence_score", "detection_type"))
    times = thing.detections.aggregate(
        first=Min("observation__observation_time"), last=Max("observation__observation_time")
    )
    thing.ra, thing.dec = mean_position([(ra, dec) for ra, dec, *_ in seen])
    thing.number_of_detections = len(seen)
    thing.first_seen, thing.last_seen = times["first"], times["last"]
    thing.best_class = max(seen, key=lambda row: row[2])[3]
    thing.save(update_fields=REFRESHED)


def mean_position(places: list[tuple[float, float]]) -> tuple[float, float]:
    """Average positions (degrees) as unit vectors, right at the poles and across RA 0."""
    ra, dec = np.radians(np.asarray(places, dtype=float)).T
    x, y, z = np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)
    mean_ra = np.degrees(np.arctan2(y.mean(), x.mean())) % 360
    mean_dec = np.degrees(np.arctan2(z.mean(), np.hypot(x.mean(), y.mean())))
    return float(mean_ra % 360), float(mean_dec)
