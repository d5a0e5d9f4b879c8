"""Light curves: what was measured, and how deep one looked without finding.

This is the one place where the points of an object come together: another source of points is
added to :func:`history_of`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import QuerySet

from astrid.core.models import RunStatus
from curation import taxonomy
from detection.models import Detection, DetectionStatus, DetectionType, SkyObject
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
    detection: UUID | None = None  # None where nothing was found
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
    """Give the history of each detection, in two queries however many there are."""
    seen, looked = _seen(detections), _looked(detections)
    variable = _variable_labels()
    return {one.pk: _history(one, seen, looked, variable) for one in detections}


_VARIABLE = DetectionType.VARIABLE


def history_of(seen: Sequence[Detection]) -> History:
    """Give the history of one object from its detections, rows of :func:`points_in_time`.

    One looked wherever the reference of one of them was subtracted.
    """
    looked = {run.observation_id: run for runs in _looked(seen).values() for run in runs}
    return _together(seen[-1], seen, looked.values(), _variable_labels())


def is_known_variable(thing: SkyObject | None) -> bool:
    """Say whether people confirmed an object as something that varies."""
    confirmed = Detection.objects.filter(sky_object=thing, status=DetectionStatus.CONFIRMED)
    return thing is not None and confirmed.filter(human_label__in=_variable_labels()).exists()


def _variable_labels() -> set[str]:
    return {name for name, kind in taxonomy.types_by_label().items() if kind == _VARIABLE}


def points_in_time() -> QuerySet[Detection]:
    """Give detections with what a point of a light curve needs, by time."""
    rows = Detection.objects.select_related("observation", "model_run__difference_run")
    return rows.only(*_POINT).order_by("observation__mjd_utc", "id")


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


def _history(
    detection: Detection,
    seen: dict[UUID, list[Detection]],
    looked: dict[Any, list[DifferenceRun]],
    variable: set[str],
) -> History:
    # A test has an object that no table knows: it is all that was seen of it.
    others = seen.get(detection.sky_object_id or detection.pk) or [detection]
    runs = looked.get(_baseline(detection.model_run.difference_run), [])
    return _together(detection, others, runs, variable)


def _together(
    detection: Detection,
    others: Sequence[Detection],
    looked: Iterable[DifferenceRun],
    variable: set[str],
) -> History:
    there = {one.observation_id for one in others} | {detection.observation_id}
    absent = [
        run
        for run in looked
        if run.observation_id not in there and covers(run.observation.footprint, detection)
    ]
    epochs = [epoch for one in others if (epoch := _measured(one))] + [
        _limit(run) for run in absent
    ]
    return History(
        sorted(epochs, key=lambda epoch: epoch.mjd),
        any(
            one.status == DetectionStatus.CONFIRMED and one.human_label in variable
            for one in others
        ),
    )


def _measured(detection: Detection) -> Epoch | None:
    frame, value, error = detection.observation, detection.magnitude, detection.magnitude_error
    if value is None:
        value, error = detection.upper_limit, None
    if value is None:
        return None
    return Epoch(
        frame.mjd_utc,
        value,
        error,
        is_limit=detection.magnitude is None,
        band=frame.filter_band,
        exposure=frame.observation_id,
        detection=detection.pk,
        system=detection.photometric_system,
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
