"""Light curves: what was measured, and how deep one looked without finding.

Forced photometry gives an epoch wherever the object was measured, seen or not, and its own limit;
elsewhere a detection stands for itself, and the depth of a frame for what was not seen.

This is the one place where the points of an object come together: another source of points is
added to :func:`history_of`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import OuterRef, QuerySet, Subquery

from astrid.core.models import RunStatus
from curation import taxonomy
from curation.models import ValidationLabel
from detection import fluxes
from detection.models import (
    Detection,
    DetectionStatus,
    DetectionType,
    ForcedMeasurement,
    SkyObject,
)
from differencing.models import DifferenceRun

MOST_EPOCHS = 2000  # of all fields of a batch together
SAME_NIGHT_DAYS = 1.0
CLEARLY_MAG = 0.5  # so much deeper than the source an epoch must be for its absence to tell


@dataclass(frozen=True)
class Epoch:
    """One point: a magnitude with its error, or a limit."""

    mjd: float
    value: float
    error: float | None
    is_limit: bool
    band: str
    exposure: str = ""
    detection: UUID | None = None  # None where nothing stood out
    system: str = ""  # photometric; empty where it is not known

    def as_json(self) -> dict[str, Any]:
        """Give the point as the page draws it."""
        return {
            "mjd": round(self.mjd, 6),
            "value": round(self.value, 4),
            "error": None if self.error is None else round(self.error, 4),
            "limit": self.is_limit,
            "band": self.band,
        }


@dataclass(frozen=True)
class History:
    """What is known of the object behind one detection."""

    epochs: list[Epoch]
    is_known_variable: bool

    def is_moving(self, detection: Detection) -> bool:
        """Say whether it was not there in the same night, though it would have been seen."""
        if detection.magnitude is None:
            return False
        when = detection.observation.mjd_utc
        return any(
            epoch.is_limit
            and 0 < abs(epoch.mjd - when) < SAME_NIGHT_DAYS
            and epoch.value > detection.magnitude + CLEARLY_MAG
            for epoch in self.epochs
        )


NOTHING = History([], is_known_variable=False)


def histories(detections: Sequence[Detection]) -> dict[UUID, History]:
    """Give the history of each detection, in three queries however many there are."""
    facts = Facts(_seen(detections), _looked(detections), _forced(detections))
    return {one.pk: _history(one, facts) for one in detections}


@dataclass(frozen=True)
class Facts:
    """What was read for a batch: detections and fluxes by object, subtractions by baseline."""

    seen: dict[UUID, list[Detection]]
    looked: dict[Any, list[DifferenceRun]]
    forced: dict[UUID, list[ForcedMeasurement]]


_VARIABLE = DetectionType.VARIABLE


def history_of(seen: Sequence[Detection]) -> History:
    """Give the history of one object from its detections, rows of :func:`points_in_time`.

    One looked wherever the reference of one of them was subtracted.
    """
    looked = {run.observation_id: run for runs in _looked(seen).values() for run in runs}
    fluxes = [row for rows in _forced(seen).values() for row in rows]
    return _together(seen, looked.values(), fluxes)


def is_known_variable(thing: SkyObject | None) -> bool:
    """Say whether people confirmed an object as something that varies."""
    confirmed = Detection.objects.filter(sky_object=thing, status=DetectionStatus.CONFIRMED)
    return thing is not None and confirmed.filter(human_label__in=_variable_labels()).exists()


def _variable_labels() -> set[str]:
    return {name for name, kind in taxonomy.types_by_label().items() if kind == _VARIABLE}


def points_in_time() -> QuerySet[Detection]:
    """Give detections with what a point of a light curve needs, by time."""
    rows = Detection.objects.select_related("observation", "model_run__difference_run")
    newest = ValidationLabel.objects.filter(name=OuterRef("human_label")).order_by("-version")
    told = rows.annotate(said_type=Subquery(newest.values("detection_type")[:1]))
    return told.only(*_POINT).order_by("observation__mjd_utc", "id")


_POINT = (
    "sky_object", "ra", "dec", "magnitude", "magnitude_error", "upper_limit", "photometric_system",
    "status", "human_label", "observation__mjd_utc", "observation__filter_band",
    "observation__observation_id", "model_run__difference_run__reference_observation",
    "model_run__difference_run__reference_image",
)  # fmt: skip


def _seen(detections: Sequence[Detection]) -> dict[UUID, list[Detection]]:
    objects = {one.sky_object_id for one in detections if one.sky_object_id}
    by_object: dict[UUID, list[Detection]] = defaultdict(list)
    for row in points_in_time().filter(sky_object__in=objects):
        if row.sky_object_id:
            by_object[row.sky_object_id].append(row)
    return by_object


def _forced(detections: Sequence[Detection]) -> dict[UUID, list[ForcedMeasurement]]:
    """Give the fluxes of the objects, by time; of several differences of a frame all."""
    objects = {one.sky_object_id for one in detections if one.sky_object_id}
    rows = ForcedMeasurement.objects.filter(sky_object__in=objects, method_version=fluxes.VERSION)
    by_object: dict[UUID, list[ForcedMeasurement]] = defaultdict(list)
    for row in rows.select_related("observation").only(*_FLUX).order_by("id"):
        by_object[row.sky_object_id].append(row)
    return by_object


_FLUX = (
    "sky_object", "difference_run", "magnitude", "magnitude_error", "upper_limit",
    "photometric_system", "observation__mjd_utc", "observation__filter_band",
    "observation__observation_id",
)  # fmt: skip


def _looked(detections: Sequence[Detection]) -> dict[Any, list[DifferenceRun]]:
    """Give the subtractions of the same references: where one looked at the same fields."""
    baselines = {_baseline(one.model_run.difference_run) for one in detections} - {None}
    runs = DifferenceRun.objects.filter(
        status=RunStatus.COMPLETED,
        is_comparison=False,
        observation__limiting_magnitude__isnull=False,
    ).select_related("observation")
    found = runs.filter(reference_observation__in=baselines) | runs.filter(
        reference_image__in=baselines
    )
    by_baseline: dict[Any, list[DifferenceRun]] = defaultdict(list)
    for run in found.defer(*_HEAVY).order_by("-id")[:MOST_EPOCHS]:
        by_baseline[_baseline(run)].append(run)
    return by_baseline


_HEAVY = ("parameters", "provenance", "figures")


def _baseline(run: DifferenceRun | None) -> UUID | None:
    return (run.reference_observation_id or run.reference_image_id) if run else None


def _history(detection: Detection, facts: Facts) -> History:
    # A test has an object that no table knows: it is all that was seen of it.
    key = detection.sky_object_id or detection.pk
    others = facts.seen.get(key) or [detection]
    runs = facts.looked.get(_baseline(detection.model_run.difference_run), [])
    return _together(others, runs, facts.forced.get(key, []))


def _together(
    seen: Sequence[Detection],
    looked: Iterable[DifferenceRun],
    fluxes: Sequence[ForcedMeasurement],
) -> History:
    by_difference = {row.difference_run_id: row for row in fluxes}
    there = {one.observation_id for one in seen}
    # One point per frame: of its differences, the newest.
    unseen = {row.observation_id: row for row in fluxes if row.observation_id not in there}
    known = there | unseen.keys()
    absent = [
        run
        for run in looked
        if run.observation_id not in known and covers(run.observation.footprint, seen[-1])
    ]
    points = [_measured(one, by_difference) for one in seen] + [
        _point(row) for row in unseen.values()
    ]
    epochs = [point for point in points if point] + [_limit(run) for run in absent]
    return History(
        sorted(epochs, key=lambda epoch: epoch.mjd),
        any(_varies(one) for one in seen),
    )


def _varies(detection: Detection) -> bool:
    """Say whether people confirmed a row of :func:`points_in_time` as something that varies."""
    said = getattr(detection, "said_type", None)  # one that stands alone was never confirmed
    return detection.status == DetectionStatus.CONFIRMED and said == _VARIABLE


def _measured(detection: Detection, fluxes: dict[UUID, ForcedMeasurement]) -> Epoch | None:
    """Give the point of a detection: the flux at the object's place, where it has a magnitude."""
    run = detection.model_run.difference_run
    forced_flux = fluxes.get(run.pk) if run else None
    if forced_flux is None or forced_flux.magnitude is None:
        return _point(detection, detection.pk)
    return _point(forced_flux, detection.pk)


def _point(row: Detection | ForcedMeasurement, detection: UUID | None = None) -> Epoch | None:
    frame, value, error = row.observation, row.magnitude, row.magnitude_error
    if value is None:
        value, error = row.upper_limit, None
    if value is None:
        return None
    return Epoch(
        frame.mjd_utc,
        value,
        error,
        is_limit=row.magnitude is None,
        band=frame.filter_band,
        exposure=frame.observation_id,
        detection=detection,
        system=row.photometric_system,
    )


def _limit(run: DifferenceRun) -> Epoch:
    frame = run.observation
    return Epoch(
        frame.mjd_utc,
        float(frame.limiting_magnitude or 0),
        None,
        is_limit=True,
        band=frame.filter_band,
        exposure=frame.observation_id,
    )


def covers(footprint: Any, place: Any) -> bool:
    """Say whether a place lies inside the four corners [[ra, dec], ...] of a frame.

    Frames are small: corners are laid on the plane that touches the sky at the place.
    """
    if not footprint:
        return False
    ra, dec = np.radians(np.asarray(footprint, float)).T
    ra0, dec0 = np.radians([place.ra, place.dec])
    cosine = np.sin(dec0) * np.sin(dec) + np.cos(dec0) * np.cos(dec) * np.cos(ra - ra0)
    if (cosine <= 0).any():
        return False
    x = np.cos(dec) * np.sin(ra - ra0) / cosine
    y = (np.cos(dec0) * np.sin(dec) - np.sin(dec0) * np.cos(dec) * np.cos(ra - ra0)) / cosine
    # Inside a convex figure all corners turn the same way round the place.
    turns = x * np.roll(y, -1) - y * np.roll(x, -1)
    return bool((turns >= 0).all() or (turns <= 0).all())
