"""Where a curve belongs: its mission, target, instrument and observation, found or made."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
from django.core.exceptions import ValidationError

from lightcurves.errors import BadLightCurve
from lightcurves.models import (
    Instrument,
    Mission,
    MissionCatalog,
    Observation,
    PhotometricSource,
    ProcessingMethod,
    Target,
)
from lightcurves.reading.curves import Curve, MissionFacts

TargetKey = tuple[str, int]
ObservationKey = tuple[str, tuple[str, ...], str, str]


def target_key(curve: Curve) -> TargetKey:
    """Give what tells a target from others."""
    return curve.mission.catalog, curve.target


def observation_key(curve: Curve) -> ObservationKey:
    """Give what tells an observation from others: instrument, facts and cadences."""
    cadences = hashlib.sha256(curve.cadences.tobytes()).hexdigest()
    return curve.kind, curve.instrument, json.dumps(dict(curve.facts), sort_keys=True), cadences


@dataclass
class Places:
    """Rows that curves belong to, remembered by what tells them apart."""

    targets: dict[TargetKey, Target] = field(default_factory=dict)
    observations: dict[ObservationKey, Observation] = field(default_factory=dict)
    catalogs: dict[str, MissionCatalog] = field(default_factory=dict)
    instruments: dict[tuple[str, ...], Instrument] = field(default_factory=dict)
    methods: dict[tuple[type, str], Any] = field(default_factory=dict)

    def check(self, curve: Curve) -> None:
        """Refuse a curve whose mission counts time otherwise, or whose facts are not of its kind.

        Raises
        ------
        BadLightCurve
            With what differs.
        """
        if curve.mission.catalog not in self.catalogs:
            find_mission(curve.mission)
        observation_of(curve)

    def find_target(self, curve: Curve) -> Target | None:
        """Give the target of a curve if it is stored."""
        key = target_key(curve)
        if key not in self.targets:
            found = Target.objects.filter(catalog__name=key[0], name=key[1]).first()
            if found is None:
                return None
            self.targets[key] = found
        return self.targets[key]

    def find_observation(self, curve: Curve) -> Observation | None:
        """Give the observation of a curve if it is stored: same facts, same cadences."""
        key = observation_key(curve)
        if key not in self.observations:
            found = self._matching(curve)
            if found is None:
                return None
            self.observations[key] = found
        return self.observations[key]

    def _matching(self, curve: Curve) -> Observation | None:
        instrument = self.find_instrument(curve.instrument)
        if instrument is None:
            return None
        rows = Observation.objects.with_arrays().filter(
            type=curve.kind,
            instrument=instrument,
            cadence_first=int(curve.cadences[0]),
            n=curve.cadences.size,
            extra__contains=dict(curve.facts),
        )
        return next(
            (row for row in rows if np.array_equal(row.cadence_reference, curve.cadences)), None
        )

    def find_instrument(self, path: tuple[str, ...]) -> Instrument | None:
        """Give an instrument by the way to it if it is stored."""
        if path not in self.instruments:
            parent = self.find_instrument(path[:-1]) if path[1:] else None
            if path[1:] and parent is None:
                return None
            found = Instrument.objects.filter(name=path[-1], parent=parent).first()
            if found is None:
                return None
            self.instruments[path] = found
        return self.instruments[path]

    def make(self, curves: Iterable[Curve]) -> None:
        """Make the targets and observations of curves that are not stored yet."""
        curves = list(curves)
        self._make_targets(curves)
        self.make_observations(curves)

    def _make_targets(self, curves: list[Curve]) -> None:
        new = {target_key(curve): curve for curve in curves if self.find_target(curve) is None}
        rows = {
            key: Target(catalog=self.catalog(curve.mission), name=curve.target, **_place_of(curve))
            for key, curve in new.items()
        }
        Target.objects.bulk_create(rows.values())
        self.targets |= rows

    def make_observations(self, curves: Iterable[Curve]) -> None:
        """Make the observations of curves that are not stored yet."""
        wanted = {observation_key(curve): curve for curve in curves}
        rows = {
            key: self._observation(curve)
            for key, curve in wanted.items()
            if self.find_observation(curve) is None
        }
        Observation.objects.copy_create(rows.values())
        self.observations |= rows

    def _observation(self, curve: Curve) -> Observation:
        row = observation_of(curve)
        row.instrument = self._instrument(curve.instrument)
        row.cadence_reference = curve.cadences
        return row

    def _instrument(self, path: tuple[str, ...]) -> Instrument:
        found = self.find_instrument(path)
        if found is None:
            parent = self._instrument(path[:-1]) if path[1:] else None
            found = self.instruments[path] = Instrument.objects.create(name=path[-1], parent=parent)
        return found

    def catalog(self, facts: MissionFacts) -> MissionCatalog:
        """Give a catalogue, made with its mission where there is none.

        Raises
        ------
        BadLightCurve
            If the stored mission counts time otherwise.
        """
        if facts.catalog not in self.catalogs:
            catalog = MissionCatalog.objects.filter(name=facts.catalog).first()
            self.catalogs[facts.catalog] = catalog or MissionCatalog.objects.create(
                name=facts.catalog, host_mission=find_mission(facts) or _make_mission(facts)
            )
        return self.catalogs[facts.catalog]

    def source(self, name: str) -> PhotometricSource:
        """Give the way of a brightness to be taken from pixels."""
        found: PhotometricSource = self._method(PhotometricSource, name)
        return found

    def method(self, name: str | None) -> ProcessingMethod | None:
        """Give the way of a brightness to be processed, if it was."""
        if name is None:
            return None
        found: ProcessingMethod = self._method(ProcessingMethod, name)
        return found

    def _method(self, model: Any, name: str) -> Any:
        if (model, name) not in self.methods:
            self.methods[model, name] = model.objects.get_or_create(name=name)[0]
        return self.methods[model, name]


def _place_of(curve: Curve) -> dict[str, float]:
    return {} if curve.position is None else dict(zip(("ra", "dec"), curve.position, strict=True))


def observation_of(curve: Curve) -> Observation:
    """Give the row of an observation, without instrument and cadences.

    Raises
    ------
    BadLightCurve
        If the facts are not what the kind says.
    """
    row: Observation = Observation.kinds[curve.kind](extra=dict(curve.facts))
    try:
        row.check_kind()
    except ValidationError as error:
        raise BadLightCurve(f"{curve.kind}: {'; '.join(error.messages)}") from error
    return row


def find_mission(facts: MissionFacts) -> Mission | None:
    """Give a mission by its name if it is stored.

    Raises
    ------
    BadLightCurve
        If the stored one counts time otherwise, or another one has its format.
    """
    found = Mission.objects.filter(name=facts.name).first()
    if found is None:
        other = Mission.objects.filter(time_format_name=facts.time_format).first()
        if other is not None:
            raise BadLightCurve(
                f"{facts.time_format} is the time format of mission {other}: call the mission "
                f"{facts.name}, or the format otherwise"
            )
        return None
    counted = (found.time_epoch, found.time_epoch_scale, found.time_unit)
    if counted != (Decimal(facts.time_epoch), facts.time_scale, "d"):
        raise BadLightCurve(
            f"mission {found} counts {found.time_unit} since {found.time_epoch.normalize():f} "
            f"({found.time_epoch_scale}); its files count d since {facts.time_epoch} "
            f"({facts.time_scale}): correct the mission"
        )
    return found


def _make_mission(facts: MissionFacts) -> Mission:
    return Mission.objects.create(
        name=facts.name,
        time_format_name=facts.time_format,
        time_epoch=Decimal(facts.time_epoch),
        time_epoch_scale=facts.time_scale,
    )
