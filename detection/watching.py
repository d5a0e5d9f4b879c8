"""The scores of every network in force, by survey and week, beside those of its first weeks."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from astrid.core.models import RunStatus
from detection.drift import BINS, shift_of
from detection.models import DriftLevel, DriftWeek, Model, ModelRun
from detection.parameters import WatchParameters
from observations.models import Survey

Histogram = NDArray[np.int64]


@dataclass(frozen=True)
class _Week:
    """The scores of one week of one survey."""

    monday: date
    histogram: Histogram
    is_reference: bool = False


def measure_drift(parameters: WatchParameters) -> None:
    """Bring the weeks of all networks in force up to date."""
    for row in Model.objects.filter(is_active=True):
        for survey, weeks in _weeks_of(row).items():
            _compare(row, survey, weeks, parameters)


def _weeks_of(row: Model) -> dict[Any, dict[date, Histogram]]:
    """Add up the histograms of a network's runs, by survey and by week of the exposures."""
    runs = ModelRun.objects.filter(
        model=row,
        status=RunStatus.COMPLETED,
        is_shadow=False,
        score_histogram__isnull=False,
        difference_run__is_control=False,
    ).values_list("observation__survey", "observation__observation_time", "score_histogram")
    found: dict[Any, dict[date, Histogram]] = defaultdict(
        lambda: defaultdict(lambda: np.zeros(BINS, np.int64))
    )
    for survey, taken, histogram in runs.iterator():
        found[survey][monday_of(taken.date())] += np.asarray(histogram, np.int64)
    return found


def monday_of(day: date) -> date:
    """Give the first day of the week of a day."""
    return day - timedelta(days=day.weekday())


def _compare(
    row: Model, survey: Any, weeks: dict[date, Histogram], parameters: WatchParameters
) -> None:
    """Compare every week with enough candidates with the first ones that had enough."""
    full = [
        _Week(monday, weeks[monday])
        for monday in sorted(weeks)
        if weeks[monday].sum() >= parameters.least_candidates
    ]
    first, later = full[: parameters.reference_weeks], full[parameters.reference_weeks :]
    known = Survey.objects.get(pk=survey)
    for week in first:
        _keep(row, known, _Week(week.monday, week.histogram, is_reference=True), None, parameters)
    if not later:
        return
    reference = np.sum([week.histogram for week in first], axis=0)
    for week in later:
        _keep(row, known, week, reference, parameters)


@transaction.atomic
def _keep(
    row: Model,
    survey: Survey,
    week: _Week,
    reference: Histogram | None,
    parameters: WatchParameters,
) -> None:
    """Write a week where something about it has changed."""
    shift = None if reference is None else shift_of(reference, week.histogram)
    level = shift.level(parameters.warning, parameters.alarm) if shift else DriftLevel.STEADY
    stored, _ = DriftWeek.objects.select_for_update().get_or_create(
        model=row,
        survey=survey,
        monday=week.monday,
        defaults={"histogram": [0] * BINS, "candidates": 0, "is_reference": week.is_reference},
    )
    changes = {
        "histogram": week.histogram.tolist(),
        "candidates": int(week.histogram.sum()),
        "is_reference": week.is_reference,
        "psi": shift.psi if shift else None,
        "by_chance": shift.by_chance if shift else None,
        "level": level,
    }
    if any(getattr(stored, name) != value for name, value in changes.items()):
        for name, value in changes.items():
            setattr(stored, name, value)
        stored.save()


def reference_of(weeks: Iterable[DriftWeek]) -> list[int]:
    """Add up the weeks that others are compared with."""
    first = [week.histogram for week in weeks if week.is_reference]
    return np.sum(first, axis=0).tolist() if first else [0] * BINS
