"""What is read for the light curves of a batch of detections: few queries, however many."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

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
_VARIABLE = DetectionType.VARIABLE


@dataclass(frozen=True)
class Facts:
    """What was read for a batch: detections and fluxes by object, subtractions by baseline."""

    seen: dict[UUID, list[Detection]]
    looked: dict[Any, list[DifferenceRun]]
    forced: dict[UUID, list[ForcedMeasurement]]


def facts_of(detections: Sequence[Detection]) -> Facts:
    """Read it, in three queries."""
    return Facts(_seen(detections), looked(detections), forced(detections))


def is_known_variable(thing: SkyObject | None) -> bool:
    """Say whether people confirmed an object as something that varies."""
    confirmed = Detection.objects.filter(sky_object=thing, status=DetectionStatus.CONFIRMED)
    return thing is not None and confirmed.filter(human_label__in=_variable_labels()).exists()


def _variable_labels() -> set[str]:
    return {name for name, kind in taxonomy.types_by_label().items() if kind == _VARIABLE}


def varies(detection: Detection) -> bool:
    """Say whether people confirmed a row of :func:`points_in_time` as something that varies."""
    said = getattr(detection, "said_type", None)  # one that stands alone was never confirmed
    return detection.status == DetectionStatus.CONFIRMED and said == _VARIABLE


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


def forced(detections: Sequence[Detection]) -> dict[UUID, list[ForcedMeasurement]]:
    """Give the fluxes of the objects, by time; of several differences of a frame all."""
    objects = {one.sky_object_id for one in detections if one.sky_object_id}
    rows = ForcedMeasurement.objects.filter(sky_object__in=objects, method_version=fluxes.VERSION)
    by_object: dict[UUID, list[ForcedMeasurement]] = defaultdict(list)
    for row in rows.select_related("observation").only(*_FLUX).order_by("id"):
        by_object[row.sky_object_id].append(row)
    return by_object


_FLUX = (
    "sky_object", "difference_run", "magnitude", "magnitude_error", "upper_limit",
    "photometric_system", "flux", "flux_error", "flux_ujy", "flux_error_ujy",
    "observation__mjd_utc", "observation__filter_band", "observation__observation_id",
)  # fmt: skip


def looked(detections: Sequence[Detection]) -> dict[Any, list[DifferenceRun]]:
    """Give the subtractions of the same references: where one looked at the same fields."""
    baselines = {baseline_of(one.model_run.difference_run) for one in detections} - {None}
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
        by_baseline[baseline_of(run)].append(run)
    return by_baseline


_HEAVY = ("parameters", "provenance", "figures")


def baseline_of(run: DifferenceRun | None) -> UUID | None:
    """Give what was subtracted, if it is known."""
    return (run.reference_observation_id or run.reference_image_id) if run else None
