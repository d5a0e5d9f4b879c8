"""A light curve as columns that say what they are, with all that is known of where it came from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Q

from astrid import __version__
from astrid.core.array_bytes import Array
from lightcurves.exporting.time_systems import TimeSystem, time_system
from lightcurves.models import (
    DataSet,
    DataSetHierarchy,
    QualityFlagArray,
    TargetSpecificTime,
)


@dataclass(frozen=True)
class Column:
    """Numbers with their unit (as astropy writes it), meaning, and the VO's word for them."""

    name: str
    values: Array
    unit: str
    description: str
    ucd: str


@dataclass(frozen=True)
class CurveTable:
    """A dataset with its times, cadences and flags.

    Attributes
    ----------
    columns : tuple of Column
        time (if there are times), cadence, flux or magnitude, its error, one per kind of flags.
    facts : mapping
        Text and numbers by name: what was measured, when, by whom, from what it was derived.
    """

    dataset: DataSet
    columns: tuple[Column, ...]
    facts: Mapping[str, str | int | float]
    system: TimeSystem

    @property
    def name(self) -> str:
        """Give a name for a file."""
        target = self.dataset.target
        catalog = "".join(c if c.isalnum() else "-" for c in target.catalog.name.lower())
        return f"{catalog}-{target.name}-{self.dataset.pk}"


def curve_table(dataset: DataSet) -> CurveTable:
    """Put a dataset beside its times and flags, in a fixed number of queries.

    Parameters
    ----------
    dataset : DataSet
        With arrays, target and mission, observation and methods fetched along (`with_all`).
    """
    flags = flags_of(dataset)
    system = time_system(dataset.target.catalog.host_mission)
    columns = (*_times(dataset, system), *_measured(dataset), *_flags(flags))
    return CurveTable(dataset, columns, _facts(dataset, flags, system), system)


def with_all() -> Any:
    """Give datasets with all that `curve_table` wants."""
    return DataSet.objects.with_arrays().select_related(
        "target__catalog__host_mission",
        "observation__instrument",
        "photometric_method",
        "processing_method",
    )


def flags_of(dataset: DataSet) -> list[QualityFlagArray]:
    """Give the flags that hold for a dataset, one array per kind: the target's before all's."""
    rows = QualityFlagArray.objects.with_arrays().filter(
        Q(target=dataset.target_id) | Q(target=None), observation=dataset.observation_id
    )
    found: dict[str, QualityFlagArray] = {}
    for row in rows.order_by("type", "target"):  # the database puts those without target last
        found.setdefault(row.type, row)
    return list(found.values())


def times_of(dataset: DataSet) -> Array | None:
    """Give the times of a dataset, if there are any."""
    rows = TargetSpecificTime.objects.with_arrays().filter(
        target=dataset.target_id, observation=dataset.observation_id
    )
    found: Any = rows.first()
    return None if found is None else found.barycentric_julian_dates


def _times(dataset: DataSet, system: TimeSystem) -> Iterator[Column]:
    times = times_of(dataset)
    if times is not None:
        yield Column("time", times, system.unit, system.words, "time.epoch")


def _measured(dataset: DataSet) -> Iterator[Column]:
    is_magnitude = dataset.unit == "mag"
    name, ucd = ("magnitude", "phot.mag") if is_magnitude else ("flux", "phot.flux")
    arrays: Any = (dataset.observation.cadence_reference, dataset.values, dataset.errors)
    cadences, values, errors = arrays
    yield Column("cadence", cadences, "", "number of the cadence", "meta.number")
    yield Column(name, values, dataset.unit, how(dataset), ucd)
    yield Column(f"{name}_err", errors, dataset.unit, "1 sigma", f"stat.error;{ucd}")


def _flags(flags: Sequence[QualityFlagArray]) -> Iterator[Column]:
    for row in flags:
        bits: Any = row.quality_flags
        yield Column(row.type, bits, "", f"bits: {names_of(row)}", "meta.code.qual")


def names_of(flags: QualityFlagArray) -> str:
    """Give the named bits of a kind of flags: ``1 attitude_tweak, 2 safe_mode``."""
    members = {} if flags.BITS is None else flags.BITS.__members__
    return ", ".join(f"{bit.value} {name}" for name, bit in members.items()) or "none is named"


def how(dataset: DataSet) -> str:
    """Say how a dataset was measured and processed."""
    ways = (dataset.photometric_method, dataset.processing_method)
    return ", ".join(str(way) for way in ways if way is not None) or "unknown photometry"


def _facts(
    dataset: DataSet, flags: Sequence[QualityFlagArray], system: TimeSystem
) -> dict[str, str | int | float]:
    target, observation = dataset.target, dataset.observation
    known = {
        "dataset": dataset.pk,
        "target": str(target),
        "ra": target.ra,
        "dec": target.dec,
        "mission": target.catalog.host_mission.name,
        "observation": observation.pk,
        "observation_kind": observation.type,
        **{name: value for name, value in observation.extra.items() if _is_plain(value)},
        "instrument": " / ".join(map(str, observation.instrument.path())),
        "photometric_source": _name(dataset.photometric_method),
        "processing_method": _name(dataset.processing_method),
        "derived_from": _sources(dataset),
        "time_format": system.name,
        "time_scale": system.scale,
        "time_origin_jd": f"{system.origin_jd.normalize():f}",
        "time_reference": system.place,
        "flag_bits": "; ".join(f"{row.type}: {names_of(row)}" for row in flags),
        "stored_at": dataset.created_at.isoformat(timespec="seconds"),
        "made_by": f"AstrID {__version__}",
    }
    return {name: value for name, value in known.items() if value not in (None, "")}


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _name(way: Any) -> str:
    return "" if way is None else str(way)


def _sources(dataset: DataSet) -> str:
    keys = DataSetHierarchy.objects.filter(child_dataset=dataset).order_by("source_dataset")
    return ", ".join(f"dataset {key}" for key in keys.values_list("source_dataset", flat=True))


def as_text(values: Array) -> list[str]:
    """Write numbers so that reading them gives the same: the shortest digits of their own width."""
    return [str(value) for value in values] if values.dtype == np.float32 else _plain(values)


def _plain(values: Array) -> list[str]:
    return list(map(repr, values.tolist()))
