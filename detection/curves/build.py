"""Light curves in the form in which the store takes them in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from detection.curves.epochs import MIDDLE, Points
from detection.curves.keys import DIFFERENCE, MICROJANSKY, MISSION, TOTAL, Key, method_of
from detection.curves.times import Clock, cadence_numbers
from detection.fluxes import VERSION
from lightcurves.models import (
    DifferenceQualityFlags,
    ForcedObservation,
    ForcedQuality,
    Target,
    TotalQualityFlags,
)
from lightcurves.reading.curves import Curve, Measured, usable


@dataclass(frozen=True)
class Place:
    """An object: its target in the store, and where it is (degrees)."""

    target: Target
    ra: float
    dec: float


def curves_of(
    points: Mapping[Key, Points], places: Mapping[UUID, Place]
) -> Iterator[tuple[Key, Curve]]:
    """Give the curve of every key; those without a single flux are left out."""
    middles = [one[MIDDLE] for one in points.values()]
    clock = Clock(np.unique(np.concatenate(middles)))
    for key, one in points.items():
        place = places[key.thing]
        measured, _ = usable(_measured(key, one))
        if measured:
            times = clock.at(place.ra, place.dec, one[MIDDLE])
            yield key, _curve(key, place, one, measured, times)


def _curve(
    key: Key,
    place: Place,
    points: Points,
    measured: tuple[Measured, ...],
    times: NDArray[np.float64],
) -> Curve:
    flags = {DifferenceQualityFlags.KIND: _bits(points["mask_bits"])}
    if any(one.source == TOTAL for one in measured):
        flags[TotalQualityFlags.KIND] = _bits(points["total_mask_bits"])
    return Curve(
        mission=MISSION,
        target=place.target.name,
        instrument=key.instrument,
        kind=ForcedObservation.KIND,
        facts=key.facts,
        cadences=cadence_numbers(points[MIDDLE]),
        times=times,
        flags=flags,
        measured=measured,
        position=(place.ra, place.dec),
    )


def _measured(key: Key, points: Points) -> list[Measured]:
    """Give the change and the total flux in the unit of the key."""
    tail = "_ujy" if key.unit == MICROJANSKY else ""
    names: dict[str, Any] = {DIFFERENCE: "", TOTAL: "total_"}
    return [
        Measured(
            source,
            source,
            method_of(VERSION),
            np.ascontiguousarray(points[f"{head}flux{tail}"]),
            np.ascontiguousarray(points[f"{head}flux_error{tail}"]),
            unit=key.unit,
        )
        for source, head in names.items()
    ]


def _bits(numbers: NDArray[np.float64]) -> NDArray[np.int32]:
    unknown = np.isnan(numbers)
    return np.where(unknown, int(ForcedQuality.not_measured), numbers).astype(np.int32)
