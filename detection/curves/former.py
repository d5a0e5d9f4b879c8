"""The light curves that are stored, and whether they still say what was measured."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import Exists, OuterRef, QuerySet

from detection.curves.epochs import State
from detection.curves.keys import DIFFERENCE, METHOD, Key
from lightcurves.models import DataSet, DataSetHierarchy, ForcedObservation, QualityFlagArray
from lightcurves.reading.curves import Curve


@dataclass
class Former:
    """The newest stored version of a curve: its datasets by the source of the flux."""

    observation: int
    n: int
    stored_at: datetime
    method: str
    datasets: dict[str, int] = field(default_factory=dict)


def current() -> QuerySet[DataSet]:
    """Give forced light curves that no newer version was derived from."""
    newer = DataSetHierarchy.objects.filter(
        source_dataset=OuterRef("pk"),
        child_dataset__photometric_method=OuterRef("photometric_method"),
        child_dataset__processing_method__name__startswith=METHOD,
    )
    forced: QuerySet[DataSet] = DataSet.objects.filter(
        observation__type=ForcedObservation.KIND, processing_method__name__startswith=METHOD
    )
    return forced.exclude(Exists(newer))


def formers(things: Collection[UUID]) -> dict[Key, Former]:
    """Give the newest stored version of every curve of some objects."""
    rows = current().filter(target__sky_objects__in=things).order_by("id")
    found: dict[Key, Former] = {}
    for thing, facts, source, pk, observation, n, stored_at, method in rows.values_list(
        "target__sky_objects", "observation__extra", "photometric_method__name", "pk",
        "observation", "n", "created_at", "processing_method__name",
    ):  # fmt: skip
        key = Key.of(thing, facts)
        older = found.get(key)
        datasets = older.datasets if older else {}
        # A total flux may have come to an end: the difference says what there is.
        if older is None or source == DIFFERENCE:
            found[key] = Former(observation, n, stored_at, method, datasets)
        datasets[source] = pk
    return found


def is_due(state: State, former: Former | None, method: str, growth: float) -> bool:
    """Tell whether a curve may differ by enough from its stored version."""
    if former is None or former.method != method:
        return True
    if state.n > former.n:
        return state.n >= former.n * (1 + growth)
    return state.n < former.n or state.measured_at > former.stored_at


def holds(former: Former, curve: Curve) -> bool:
    """Tell whether a stored version has the very points of a curve."""
    if (former.n, former.method) != (curve.cadences.size, curve.measured[0].method):
        return False
    stored = ForcedObservation.objects.with_arrays().get(pk=former.observation)
    rows = DataSet.objects.with_arrays().filter(pk__in=former.datasets.values())
    names = {pk: source for source, pk in former.datasets.items()}
    values = {names[row.pk]: row for row in rows if row.observation_id == former.observation}
    target = next(iter(values.values())).target_id
    flags = QualityFlagArray.objects.with_arrays().filter(observation=stored, target=target)
    return (
        np.array_equal(stored.cadence_reference, curve.cadences)
        and values.keys() == {one.source for one in curve.measured}
        and all(_same(values[one.source], one) for one in curve.measured)
        and _bits(flags) == {kind: bits.tolist() for kind, bits in curve.flags.items()}
    )


def _same(row: Any, measured: Any) -> bool:
    return all(
        np.array_equal(getattr(row, name), getattr(measured, name), equal_nan=True)
        for name in ("values", "errors")
    )


def _bits(flags: Any) -> dict[str, Any]:
    return {row.type: row.quality_flags.tolist() for row in flags}
