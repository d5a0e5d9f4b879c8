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
from detection.models import ForcedMeasurement, ForcedPhotometryRun, ModelRun, SkyObject
from detection.parameters import DetectionParameters
from differencing import services as differencing
from differencing.extraction.forced import Forced, force_difference, is_inside
from differencing.models import DifferenceRun
from differencing.subtraction.subtract import Difference
from observations.models import Observation
from preprocessing.photometry.magnitudes import AB_LESS_VEGA, System, ZeroPoint, microjansky

# Raise it when fluxes come out otherwise: all is then measured anew, beside what there is.
VERSION = "1"
_FLUXES = ("flux", "flux_error", "magnitude", "magnitude_error", "upper_limit")


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
            rows = _rows(run, things) if things else []
    with transaction.atomic():
        # Another run may have measured the same at the same time: its rows are as good.
        ForcedMeasurement.objects.bulk_create(rows, ignore_conflicts=True, batch_size=2000)
        run.complete(
            measured_objects=len(rows),
            figures=asdict(cost),
            provenance={
                "inputs": {"difference": difference.difference_image_path},
                "outputs": {},
                "versions": versions(),
            },
        )


def _unmeasured(difference: DifferenceRun) -> list[SkyObject]:
    known = ForcedMeasurement.objects.filter(
        sky_object=OuterRef("pk"), difference_run=difference, method_version=VERSION
    )
    return list(_objects_of(difference.observation).exclude(Exists(known)).order_by("id"))


def _rows(run: ForcedPhotometryRun, things: Sequence[SkyObject]) -> list[ForcedMeasurement]:
    """Measure ``things``; those outside the image get no row."""
    made = differencing.stored_difference(run.difference_run)
    places = np.array([(one.ra, one.dec) for one in things])
    x, y = made.wcs.all_world2pix(places[:, 0], places[:, 1], 0, quiet=True)
    found = force_difference(made, x, y)
    inside = np.flatnonzero(is_inside(x, y, made.mask.shape))
    return [_row(run, things[one], found[one], made) for one in inside.tolist()]


def _row(
    run: ForcedPhotometryRun, thing: SkyObject, found: Forced, made: Difference
) -> ForcedMeasurement:
    fluxes = {name: _number(float(found[name])) for name in _FLUXES}
    scale = _ujy_per_adu(made.zero_point)
    return ForcedMeasurement(
        run=run,
        sky_object=thing,
        difference_run=run.difference_run,
        observation=run.difference_run.observation,
        method_version=run.method_version,
        **fluxes,
        photometric_system=made.zero_point.system if made.zero_point else "",
        flux_ujy=_times(fluxes["flux"], scale),
        flux_error_ujy=_times(fluxes["flux_error"], scale),
        hidden_share=float(np.clip(found["hidden_share"], 0, 1)),
        mask_bits=int(found["mask_bits"]),
    )


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _times(flux: float | None, scale: float | None) -> float | None:
    return None if flux is None or scale is None else flux * scale


def _ujy_per_adu(zero_point: ZeroPoint | None) -> float | None:
    """Give the microjansky of one ADU, where the zero point tells."""
    if zero_point is None or not zero_point.is_calibrated:
        return None
    if zero_point.system == System.VEGA and zero_point.band not in AB_LESS_VEGA:
        return None
    return float(microjansky(1.0, zero_point))


def give_up(run: ForcedPhotometryRun, reason: str) -> None:
    """Leave everything as it is: the reason is on the run, other epochs stand."""


def resume(run: ForcedPhotometryRun) -> None:
    """Nothing stands in the way of another try."""
