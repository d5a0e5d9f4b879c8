"""What is stored of a target in an observation, beside what a file says of it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from astrid.core.array_bytes import Array
from lightcurves.errors import BadLightCurve
from lightcurves.models import (
    DataSet,
    Observation,
    QualityFlagArray,
    Target,
    TargetSpecificTime,
)
from lightcurves.reading.curves import Curve, Measured

Way = tuple[str, str | None]  # source and method


@dataclass
class Stored:
    """Times, flags by kind, and datasets by the way they were made."""

    times: Array | None = None
    flags: dict[str, Array] = field(default_factory=dict)
    datasets: dict[Way, list[DataSet]] = field(default_factory=dict)

    def find(self, one: Measured) -> DataSet | None:
        """Give the dataset that is a brightness bit for bit, if there is one."""
        for row in self.datasets.get((one.source, one.method), ()):
            values: Any = row.values
            errors: Any = row.errors
            if same(values, one.values) and same(errors, one.errors):
                return row
        return None

    def check(self, curve: Curve) -> None:
        """Refuse a curve whose times or flags are not those that are stored.

        Raises
        ------
        BadLightCurve
            If they differ: they belong to all datasets of the target in the observation.
        """
        if self.times is not None:
            _refuse("times", self.times, curve.times, curve)
        for kind, bits in curve.flags.items():
            if kind in self.flags:
                _refuse(kind, self.flags[kind], bits, curve)


def _refuse(name: str, stored: Array, found: Array, curve: Curve) -> None:
    if same(stored, found):
        return
    place = int(np.argmax(stored != found)) if stored.size == found.size else 0
    raise BadLightCurve(
        f"{name} of {curve.mission.catalog} {curve.target} are stored and differ, first at cadence "
        f"{curve.cadences[place]} ({stored[place]} there, {found[place]} here): another processing "
        "of the same observation; delete what is stored of it before you import this one"
    )


def same(one: Array, other: Array) -> bool:
    """Tell whether two arrays are alike bit for bit."""
    return one.dtype == other.dtype and one.tobytes() == other.tobytes()


def stored_of(target: Target, observation: Observation) -> Stored:
    """Fetch what is stored of a target in an observation."""
    where = {"target": target, "observation": observation}
    found = Stored()
    times = TargetSpecificTime.objects.with_arrays().filter(**where).first()
    found.times = None if times is None else times.barycentric_julian_dates
    for flags in QualityFlagArray.objects.with_arrays().filter(**where):
        found.flags[flags.type] = flags.quality_flags
    rows = DataSet.objects.with_arrays().filter(**where)
    for row in rows.select_related("photometric_method", "processing_method"):
        method = row.processing_method.name if row.processing_method else None
        source = row.photometric_method.name if row.photometric_method else ""
        found.datasets.setdefault((source, method), []).append(row)
    return found
