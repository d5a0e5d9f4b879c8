"""How objects vary, by their forced fluxes: for people, for the API, and for trainings to come."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Any
from uuid import UUID

import numpy as np

from detection.fluxes import VERSION as FLUX_VERSION
from detection.models import Detection, ForcedMeasurement
from lightcurves.analysis.variability import LEAST_POINTS, measure_variability

# Raise it when the figures come out otherwise: trainings must not mix them.
VERSION = "1"
# The slope of the last few points says whether an object rises or fades now.
LAST_POINTS = 4
DECIMALS = 6


@dataclass(frozen=True)
class Variation:
    """How the flux of an object against its reference varies in one band; None: too few points."""

    band: str
    unit: str  # uJy, or adu where frames have no zero point
    n: int
    span_days: float
    mean: float | None = None
    amplitude: float | None = None  # half of what lies between the 5th and the 95th percentile
    reduced_chi2: float | None = None  # of a constant flux
    excess_variance: float | None = None
    von_neumann: float | None = None
    skew: float | None = None
    slope: float | None = None  # per day
    last_slope: float | None = None  # per day, of the last four points


@dataclass(frozen=True)
class _Flux:
    mjd: float
    flux: float
    error: float


def variations(
    objects: Collection[UUID], *, before: datetime | None = None
) -> dict[UUID, list[Variation]]:
    """Give how each object varies, band by band, in one query.

    Parameters
    ----------
    objects : collection of UUID
        Keys; one without a flux is left out.
    before : datetime, optional
        Only exposures before this: what was known then.
    """
    rows = ForcedMeasurement.objects.filter(
        sky_object__in=objects, method_version=FLUX_VERSION, flux__isnull=False
    )
    if before is not None:
        rows = rows.filter(observation__observation_time__lt=before)
    curves: dict[UUID, list[Any]] = defaultdict(list)
    for thing, *numbers in rows.order_by("observation__mjd_utc", "id").values_list(*_READ):
        curves[thing].append(numbers)
    return {thing: _by_band(points) for thing, points in curves.items()}


def variation_of(rows: Iterable[ForcedMeasurement]) -> list[Variation]:
    """Give how one object varies, band by band, from its fluxes and their observations."""
    points = [[attrgetter(name.replace("__", "."))(row) for name in _READ[1:]] for row in rows]
    return _by_band(sorted((one for one in points if one[2] is not None), key=itemgetter(1)))


def _by_band(points: Iterable[Sequence[Any]]) -> list[Variation]:
    bands: dict[str, list[Any]] = defaultdict(list)
    for band, *numbers in points:
        bands[band].append(numbers)
    return [_variation(band, rows) for band, rows in sorted(bands.items())]


_READ = (
    "sky_object", "observation__filter_band", "observation__mjd_utc",
    "flux", "flux_error", "flux_ujy", "flux_error_ujy",
)  # fmt: skip


def _variation(band: str, rows: Sequence[Any]) -> Variation:
    """Measure one band; counts of frames without a zero point only if no flux has one."""
    in_ujy = _fluxes((mjd, flux, error) for mjd, _, _, flux, error in rows)
    points = in_ujy or _fluxes((mjd, flux, error) for mjd, flux, error, _, _ in rows)
    times, values, errors = (
        np.array([getattr(one, name) for one in points]) for name in ("mjd", "flux", "error")
    )
    span = float(np.ptp(times)) if points else 0.0
    start = Variation(band, "uJy" if in_ujy else "adu", len(points), span)
    if len(points) < LEAST_POINTS:
        return start
    found = asdict(measure_variability(times, values, errors))
    last = slice(-LAST_POINTS, None)
    found["last_slope"] = measure_variability(times[last], values[last], errors[last]).slope
    figures: dict[str, Any] = {name: _number(found[name]) for name in _MEASURED}
    return replace(start, **figures)


_MEASURED = (
    "mean", "amplitude", "reduced_chi2", "excess_variance", "von_neumann", "skew", "slope",
    "last_slope",
)  # fmt: skip


def _fluxes(rows: Iterable[tuple[float, float | None, float | None]]) -> list[_Flux]:
    return [
        _Flux(mjd, flux, error)
        for mjd, flux, error in rows
        if flux is not None and error is not None and error > 0
    ]


def _number(value: float) -> float | None:
    return float(f"{value:.{DECIMALS}g}") if np.isfinite(value) else None


def note(detections: Sequence[Detection], before: datetime) -> None:
    """Write on unsaved detections how their objects had varied until then, for later trainings."""
    keys = {one.sky_object_id for one in detections if one.sky_object_id}
    found = variations(keys, before=before)
    for one in detections:
        known = found.get(one.sky_object_id, []) if one.sky_object_id else []
        one.prediction_metadata = {
            **(one.prediction_metadata or {}),
            "variation": {"version": VERSION, "bands": [asdict(band) for band in known]},
        }
