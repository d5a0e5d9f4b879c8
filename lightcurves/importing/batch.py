"""Some files, written together in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction

from astrid.core.array_stores import ArrayStore
from astrid.core.commands import file_trouble
from astrid.core.locks import queue_up
from lightcurves.errors import BadLightCurve
from lightcurves.importing.places import Places, observation_key, target_key
from lightcurves.importing.stored import Stored, stored_of
from lightcurves.models import (
    DataSet,
    DataSetHierarchy,
    QualityFlagArray,
    Target,
    TargetSpecificTime,
)
from lightcurves.moving import TURN
from lightcurves.reading.curves import Curve, Measured
from lightcurves.reading.files import read_file


@dataclass(frozen=True)
class Outcome:
    """What became of a file: ``reason`` says why it was refused."""

    file: Path
    datasets: int = 0
    notes: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def state(self) -> str:
        """Give refused, new or known."""
        if self.reason is not None:
            return "refused"
        return "new" if self.datasets else "known"


@dataclass
class Batch:
    """What is to be written, and what there is of the same targets and observations."""

    places: Places
    store: ArrayStore
    curves: list[Curve] = field(default_factory=list)
    times: list[Curve] = field(default_factory=list)
    flags: list[tuple[Curve, str]] = field(default_factory=list)
    datasets: list[tuple[Curve, Measured, DataSet]] = field(default_factory=list)
    links: list[tuple[DataSet, DataSet]] = field(default_factory=list)
    placed: list[Target] = field(default_factory=list)
    with_units: list[DataSet] = field(default_factory=list)
    seen: dict[Any, Stored] = field(default_factory=dict)

    def add(self, curves: Sequence[Curve]) -> int:
        """Plan what is new of a file's curves; give the number of datasets.

        Raises
        ------
        BadLightCurve
            If a curve contradicts what is stored; then nothing of the file is planned.
        """
        for curve in curves:
            self.places.check(curve)
            self._stored(curve).check(curve)
        before = len(self.datasets)
        for curve in curves:
            self._plan(curve, self._stored(curve))
        return len(self.datasets) - before

    def _stored(self, curve: Curve) -> Stored:
        key = (target_key(curve), observation_key(curve))
        if key not in self.seen:
            target = self.places.find_target(curve)
            observation = self.places.find_observation(curve)
            is_new = target is None or observation is None
            self.seen[key] = Stored() if is_new else stored_of(target, observation)  # type: ignore[arg-type]
        return self.seen[key]

    def _plan(self, curve: Curve, stored: Stored) -> None:
        """Plan what is new, and let later files of the batch find it."""
        new = [one for one in curve.measured if stored.find(one) is None]
        self._note_missing(curve, stored)
        if not new:
            return
        self.curves.append(curve)
        for one in new:
            row = DataSet(values=one.values, errors=one.errors, unit=one.unit)
            stored.datasets.setdefault((one.source, one.method), []).append(row)
            self.datasets.append((curve, one, row))
        self._link(curve, stored, new)
        if stored.times is None:
            stored.times = curve.times
            self.times.append(curve)
        for kind in curve.flags.keys() - stored.flags.keys():
            stored.flags[kind] = curve.flags[kind]
            self.flags.append((curve, kind))

    def _note_missing(self, curve: Curve, stored: Stored) -> None:
        """Keep what files of earlier imports said and nobody kept: positions and units."""
        target = self.places.find_target(curve)
        if curve.position and target is not None and target.ra is None:
            target.ra, target.dec = curve.position
            self.placed.append(target)
        for one in curve.measured:
            row = stored.find(one)
            if row is not None and row.pk and one.unit and not row.unit:
                row.unit = one.unit
                self.with_units.append(row)

    def _link(self, curve: Curve, stored: Stored, new: Sequence[Measured]) -> None:
        columns = {one.column: one for one in curve.measured}
        for one in new:
            source = columns.get(one.derived_from or "")
            parent = None if source is None else stored.find(source)
            child = stored.find(one)
            if child is not None and parent is not None:
                self.links.append((child, parent))

    def write(self) -> None:
        """Write all that was planned."""
        for target in self.placed:
            target.save(update_fields=["ra", "dec", "hpx", "updated_at"])
        DataSet.objects.bulk_update(self.with_units, ["unit"])
        self.places.make(self.curves)
        times = [
            TargetSpecificTime(barycentric_julian_dates=curve.times, **self._where(curve))
            for curve in self.times
        ]
        TargetSpecificTime.objects.copy_create(times, self.store)
        QualityFlagArray.objects.copy_create(map(self._flags_row, self.flags), self.store)
        for curve, one, row in self.datasets:
            row.target, row.observation = self._where(curve).values()
            row.photometric_method = self.places.source(one.source)
            row.processing_method = self.places.method(one.method)
        DataSet.objects.copy_create([row for _, _, row in self.datasets], self.store)
        DataSetHierarchy.objects.bulk_create(
            [DataSetHierarchy(child_dataset=one, source_dataset=of) for one, of in self.links]
        )

    def _flags_row(self, planned: tuple[Curve, str]) -> QualityFlagArray:
        curve, kind = planned
        return QualityFlagArray(type=kind, quality_flags=curve.flags[kind], **self._where(curve))

    def _where(self, curve: Curve) -> dict[str, Any]:
        return {
            "target": self.places.targets[target_key(curve)],
            "observation": self.places.observations[observation_key(curve)],
        }


def import_files(files: Sequence[Path], places: Places, store: ArrayStore) -> list[Outcome]:
    """Take files in, all in one transaction; one that is broken costs only itself."""
    read = [_read(file) for file in files]
    with transaction.atomic():
        queue_up(TURN)
        batch = Batch(places, store)
        outcomes = [
            _added(batch, file, found) if isinstance(found, list) else Outcome(file, reason=found)
            for file, found in zip(files, read, strict=True)
        ]
        batch.write()
    return outcomes


def _read(file: Path) -> list[Curve] | str:
    """Read a file, or say why it cannot be."""
    try:
        return read_file(file)
    except BadLightCurve as error:
        return str(error)
    except OSError as error:
        return file_trouble(error)


def _added(batch: Batch, file: Path, curves: list[Curve]) -> Outcome:
    notes = tuple(note for curve in curves for note in curve.notes)
    try:
        return Outcome(file, datasets=batch.add(curves), notes=notes)
    except BadLightCurve as error:
        return Outcome(file, reason=str(error))
