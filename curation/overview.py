"""The figures of the home page."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from django.db import connection, models
from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse

from astrid.core.models import Run, RunStatus
from curation.models import Alert, AlertStatus, Delivery, DeliveryStatus, ReviewTask
from detection.models import Detection, DetectionStatus, ModelRun
from differencing.models import Candidate, DifferenceRun
from observations.models import Observation, ObservationRun, ObservationStatus
from preprocessing.models import PreprocessRun

# Above this many rows a table is not counted: the planner's estimate is shown instead.
_COUNTED_ROWS = 200_000


@dataclass(frozen=True)
class Figure:
    """One number of the funnel, with the list behind it."""

    name: str
    number: int
    is_estimate: bool
    url: str
    note: str = ""


def funnel() -> list[Figure]:
    """Count what came in, and how far it came."""
    waiting = ReviewTask.objects.waiting().count()
    judged = Detection.objects.filter(is_validated=True).count()
    failed = Alert.objects.filter(status=AlertStatus.FAILED).count()
    undelivered = Delivery.objects.filter(status=DeliveryStatus.FAILED).count()
    trouble = f"{failed} failed, {undelivered} undelivered" if failed or undelivered else ""
    broken = Observation.objects.filter(status=ObservationStatus.FAILED).count()
    return [
        _whole("frames", Observation, f"{broken} failed" if broken else ""),
        _whole("candidates", Candidate),
        _whole("detections", Detection),
        Figure("waiting", waiting, False, _list_of(ReviewTask, "?done_at__isempty=1")),
        Figure("judged", judged, False, _list_of(Detection, "?is_validated__exact=1")),
        _whole("alerts", Alert, trouble),
    ]


def _whole(name: str, model: type[models.Model], note: str = "") -> Figure:
    number, is_estimate = _rows_in(model)
    return Figure(name, number, is_estimate, _list_of(model), note)


def _rows_in(model: type[models.Model]) -> tuple[int, bool]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass",
            [model._meta.db_table],
        )
        estimate = int(cursor.fetchone()[0])
    if estimate > _COUNTED_ROWS:
        return estimate, True
    return model._default_manager.count(), False


def _list_of(model: type[models.Model], query: str = "") -> str:
    meta = model._meta
    try:
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist") + query
    except NoReverseMatch:
        return ""


def newest(number: int = 12) -> QuerySet[Detection]:
    """Give the best scored detections of the networks' last runs, last run first."""
    related = Detection.objects.believed().select_related("observation", "candidate", "sky_object")
    shown = related.exclude(status=DetectionStatus.ARCHIVED)
    return shown.order_by("-model_run", "-confidence_score", "-id")[:number]


@dataclass(frozen=True)
class Failure:
    """One run that failed, and why."""

    what: str
    run: Run
    reason: str
    url: str


def failures(number: int = 10) -> list[Failure]:
    """Give the runs that failed last, over all stages."""
    found = [failure for kind in _STAGES for failure in islice(_failed(kind), number)]
    return sorted(found, key=lambda failure: failure.run.updated_at, reverse=True)[:number]


_STAGES: tuple[type[Run], ...] = (ObservationRun, PreprocessRun, DifferenceRun, ModelRun)


def _failed(kind: type[Run]) -> Iterator[Failure]:
    related = "survey" if kind is ObservationRun else "observation"
    runs = kind._default_manager.filter(status=RunStatus.FAILED).select_related(related)
    for run in runs.order_by("-id")[:10]:
        subject = getattr(run, related)
        what = f"{kind._meta.verbose_name} · {subject}"
        yield Failure(what, run, run.error_message or "no reason recorded", _page_of(run))


def _page_of(run: Run) -> str:
    meta = run._meta
    try:
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[run.pk])
    except NoReverseMatch:
        return ""
