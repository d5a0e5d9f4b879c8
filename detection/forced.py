"""Forced photometry of known objects: every difference that covers one holds its flux.

A run looks at one difference and measures whatever known objects have no flux on it, so that a
run too many finds nothing to do. A difference asks for a run on itself once its objects are known,
and for runs on the others that cover the objects which no difference has measured yet.
"""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from astrid.core.measure import measured
from astrid.core.models import RunStatus
from astrid.core.provenance import versions
from astrid.core.sky import separation_deg
from detection.curves.store import store_forced
from detection.fluxes import VERSION, rows_of
from detection.models import ForcedMeasurement, ForcedPhotometryRun, ModelRun, SkyObject
from detection.parameters import DetectionParameters
from differencing.models import DifferenceRun
from observations.models import Observation


def due() -> QuerySet[DifferenceRun]:
    """Differences whose objects are known and that have not asked for photometry yet."""
    asked = ForcedPhotometryRun.objects.filter(asked_by=OuterRef("pk"), method_version=VERSION)
    judged = ModelRun.objects.filter(
        difference_run=OuterRef("pk"), status=RunStatus.COMPLETED, is_shadow=False
    )
    return (
        _measurable()
        .filter(Exists(judged))
        .exclude(Exists(asked))
        .select_related("observation")
        .order_by("id")
    )


def _measurable() -> QuerySet[DifferenceRun]:
    return DifferenceRun.objects.filter(
        status=RunStatus.COMPLETED,
        is_comparison=False,
        is_control=False,
        observation__radius_deg__isnull=False,
    )


@transaction.atomic
def begin(difference: DifferenceRun, parameters: DetectionParameters) -> list[ForcedPhotometryRun]:
    """Open a run for ``difference``, and for those that cover what is new in its field."""
    own, is_new = ForcedPhotometryRun.objects.get_or_create(
        asked_by=difference,
        difference_run=difference,
        method_version=VERSION,
        defaults={"parameters": asdict(parameters)},
    )
    if not is_new:
        return []
    back = [
        ForcedPhotometryRun(
            asked_by=difference,
            difference_run=other,
            method_version=VERSION,
            parameters=own.parameters,
        )
        for other in _back(difference, parameters.forced_epochs)
    ]
    return [own, *ForcedPhotometryRun.objects.bulk_create(back)]


def _back(difference: DifferenceRun, most: int) -> list[DifferenceRun]:
    """Give the newest other differences that cover an object nobody has measured."""
    known = ForcedMeasurement.objects.filter(sky_object=OuterRef("pk"), method_version=VERSION)
    new = _objects_of(difference.observation).exclude(Exists(known))
    places = np.array(new.values_list("ra", "dec"), float).reshape(-1, 2)
    if not len(places):
        return []
    return [each for each in _others(difference)[:most] if _may_cover(each.observation, places)]


def _others(difference: DifferenceRun) -> QuerySet[DifferenceRun]:
    """Give the other differences of the field, newest first.

    One that has a run waiting is left out: that run will see the new objects too.
    """
    frame = difference.observation
    near = Observation.objects.covering(frame.ra, frame.dec, _radius(frame)).order_by()
    waiting = ForcedPhotometryRun.objects.filter(
        difference_run=OuterRef("pk"), method_version=VERSION, status=RunStatus.PENDING
    )
    return (
        _measurable()
        .filter(observation__in=near.values("pk"))
        .exclude(Exists(waiting))
        .exclude(pk=difference.pk)
        .select_related("observation")
        .order_by("-observation__mjd_utc", "-id")
    )


def _may_cover(frame: Observation, places: np.ndarray) -> bool:
    apart = separation_deg(frame.ra, frame.dec, places[:, 0], places[:, 1])
    return bool((apart < _radius(frame)).any())


def _radius(frame: Observation) -> float:
    return frame.radius_deg or 0.0  # what has none is not measurable


def _objects_of(frame: Observation) -> QuerySet[SkyObject]:
    """Give the objects that may lie on a frame."""
    return SkyObject.objects.cone_search(frame.ra, frame.dec, _radius(frame))


def measure(run: ForcedPhotometryRun) -> None:
    """Measure the objects on the difference of ``run`` that have no flux there."""
    difference = run.difference_run
    with measured() as cost:
        with cost.step("objects"):
            things = _unmeasured(difference)
        with cost.step("photometry"):
            rows = rows_of(run, things) if things else []
    with transaction.atomic():
        # Another run may have measured the same at the same time: its rows are as good.
        ForcedMeasurement.objects.bulk_create(rows, ignore_conflicts=True, batch_size=2000)
        stored = _store(run, rows)
        run.complete(
            measured_objects=len(rows),
            figures=asdict(cost) | {"stored_curves": stored},
            provenance={
                "inputs": {"difference": difference.difference_image_path},
                "outputs": {},
                "versions": versions(),
            },
        )


def _store(run: ForcedPhotometryRun, rows: Sequence[ForcedMeasurement]) -> int:
    """Store the light curves that have grown by enough, or that this run measured anew."""
    others = ForcedMeasurement.objects.filter(
        observation=run.difference_run.observation_id, method_version=VERSION
    ).exclude(difference_run=run.difference_run)
    growth = DetectionParameters(**run.parameters).stored_growth
    is_anew = bool(rows) and others.exists()
    return store_forced({row.sky_object_id for row in rows}, growth=0.0 if is_anew else growth)


def _unmeasured(difference: DifferenceRun) -> list[SkyObject]:
    known = ForcedMeasurement.objects.filter(
        sky_object=OuterRef("pk"), difference_run=difference, method_version=VERSION
    )
    return list(_objects_of(difference.observation).exclude(Exists(known)).order_by("id"))


def give_up(run: ForcedPhotometryRun, reason: str) -> None:
    """Leave everything as it is: the reason is on the run, other epochs stand."""


def resume(run: ForcedPhotometryRun) -> None:
    """Nothing stands in the way of another try."""
