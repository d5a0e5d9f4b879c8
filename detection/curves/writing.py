"""Writes light curves into the store, all of a batch together."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from detection.curves.former import Former
from lightcurves.importing.places import Places, observation_key
from lightcurves.models import (
    DataSet,
    DataSetHierarchy,
    QualityFlagArray,
    Target,
    TargetSpecificTime,
)
from lightcurves.reading.curves import Curve


@dataclass
class Batch:
    """Curves that are to be written, each with the version that it is derived from."""

    places: Places = field(default_factory=Places)
    curves: list[tuple[Target, Curve, Former | None]] = field(default_factory=list)

    def add(self, target: Target, curve: Curve, former: Former | None) -> None:
        """Plan a curve."""
        self.curves.append((target, curve, former))

    def write(self) -> int:
        """Write all that was planned; give the number of datasets."""
        self._revise()
        self.places.make_observations([curve for _, curve, _ in self.curves])
        rows = [
            (where := self._where(target, curve), curve, self._datasets(where, curve), former)
            for target, curve, former in self.curves
        ]
        TargetSpecificTime.objects.copy_create(
            TargetSpecificTime(barycentric_julian_dates=curve.times, **where)
            for where, curve, _, _ in rows
        )
        QualityFlagArray.objects.copy_create(
            QualityFlagArray(type=kind, quality_flags=bits, **where)
            for where, curve, _, _ in rows
            for kind, bits in curve.flags.items()
        )
        made = DataSet.objects.copy_create(one for _, _, some, _ in rows for one in some.values())
        DataSetHierarchy.objects.bulk_create(
            DataSetHierarchy(child_dataset=child, source_dataset_id=former.datasets[source])
            for _, _, some, former in rows
            if former is not None
            for source, child in some.items()
            if source in former.datasets
        )
        return len(made)

    def _revise(self) -> None:
        """Count on where a curve has the exposures of a stored version, which stays as it is."""
        while taken := self._taken():
            self.curves = [
                (
                    target,
                    _revised(curve) if (target.pk, observation_key(curve)) in taken else curve,
                    former,
                )
                for target, curve, former in self.curves
            ]

    def _taken(self) -> set[tuple[int, Any]]:
        """Give the curves to whose target and observation something is stored."""
        distinct = {observation_key(curve): curve for _, curve, _ in self.curves}
        found = {key: self.places.find_observation(curve) for key, curve in distinct.items()}
        keys = {row.pk: key for key, row in found.items() if row is not None}
        where = {"observation__in": keys, "target__in": {target.pk for target, *_ in self.curves}}
        pairs = {
            (target, keys[observation])
            for table in (TargetSpecificTime, QualityFlagArray, DataSet)
            for target, observation in table.objects.filter(**where).values_list(
                "target", "observation"
            )
        }
        return pairs & {(target.pk, observation_key(curve)) for target, curve, _ in self.curves}

    def _where(self, target: Target, curve: Curve) -> dict[str, Any]:
        return {"target": target, "observation": self.places.observations[observation_key(curve)]}

    def _datasets(self, where: Mapping[str, Any], curve: Curve) -> dict[str, DataSet]:
        return {
            one.source: DataSet(
                values=one.values,
                errors=one.errors,
                unit=one.unit,
                photometric_method=self.places.source(one.source),
                processing_method=self.places.method(one.method),
                **where,
            )
            for one in curve.measured
        }


def _revised(curve: Curve) -> Curve:
    return replace(curve, facts={**curve.facts, "revision": curve.facts["revision"] + 1})
