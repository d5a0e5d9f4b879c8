"""The measured fluxes of objects, by curve."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import Count, Max, QuerySet
from numpy.typing import NDArray

from detection.curves.keys import Key, unit_of
from detection.fluxes import VERSION
from detection.models import ForcedMeasurement

_KEY = (
    "sky_object_id", "observation__survey__name", "observation__instrument",
    "observation__filter_band", "photometric_system",
)  # fmt: skip
_NUMBERS = (
    "observation__mjd_utc", "observation__exposure_time",
    "flux", "flux_error", "flux_ujy", "flux_error_ujy", "mask_bits",
    "total_flux", "total_flux_error", "total_flux_ujy", "total_flux_error_ujy", "total_mask_bits",
)  # fmt: skip
MIDDLE = "middle"  # of the exposure, MJD (UTC)
SECONDS_PER_DAY = 86_400.0
# (n,) numbers by the names of their columns, and of MIDDLE; NaN where a row has none.
Points = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class State:
    """How much there is to a curve now."""

    n: int
    measured_at: datetime


def newest(things: Collection[UUID]) -> QuerySet[ForcedMeasurement]:
    """Give one row per object and frame: of several differences of a frame the newest."""
    rows = ForcedMeasurement.objects.filter(sky_object__in=things, method_version=VERSION)
    pair = "sky_object_id", "observation_id"
    first = rows.order_by(*pair, "-id").distinct(*pair)
    return ForcedMeasurement.objects.filter(pk__in=first.values("pk"))


def states(things: Collection[UUID]) -> dict[Key, State]:
    """Count the points of every curve of some objects."""
    rows = newest(things).order_by().values_list(*_KEY)
    found: dict[Key, State] = {}
    for *parts, n, measured_at in rows.annotate(n=Count("pk"), at=Max("created_at")):
        key = _key(*parts)
        other = found.get(key, State(0, measured_at))
        found[key] = State(other.n + n, max(other.measured_at, measured_at))
    return found


def points(keys: Iterable[Key]) -> dict[Key, Points]:
    """Fetch the points of curves, by the middle of their exposures."""
    wanted = set(keys)
    rows = newest({key.thing for key in wanted}).order_by("observation_id")
    found: dict[Key, list[Any]] = defaultdict(list)
    for row in rows.values_list(*_KEY, *_NUMBERS).iterator(chunk_size=10_000):
        found[_key(*row[: len(_KEY)])].append(row[len(_KEY) :])
    return {key: _columns(found[key]) for key in wanted & found.keys()}


def _key(thing: UUID, survey: str, camera: str, band: str, system: str) -> Key:
    return Key(thing, survey, camera, band, unit_of(system, band))


def _columns(rows: list[Any]) -> Points:
    columns = dict(zip(_NUMBERS, np.array(rows, float).T, strict=True))
    exposed = columns["observation__exposure_time"] / SECONDS_PER_DAY
    columns[MIDDLE] = columns["observation__mjd_utc"] + exposed / 2
    order = np.argsort(columns[MIDDLE], kind="stable")
    return {name: column[order] for name, column in columns.items()}
