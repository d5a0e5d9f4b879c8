"""Analyses of stored light curves: new datasets derived from them, or figures kept beside them."""

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from django.db import transaction
from pydantic import TypeAdapter, ValidationError

from lightcurves.analysis import parameters as told
from lightcurves.analysis.binning import Binned, bin_by_count, bin_by_width
from lightcurves.analysis.clipping import find_outliers
from lightcurves.analysis.detrending import detrend
from lightcurves.analysis.frequencies import Range
from lightcurves.analysis.periods import Search, find_period
from lightcurves.analysis.transits import BoxSearch, find_transit
from lightcurves.analysis.variability import measure_variability
from lightcurves.curves import StoredCurve, load_curve
from lightcurves.errors import BadLightCurve
from lightcurves.models import (
    BinnedObservation,
    CurveFeatures,
    DataSet,
    ProcessingMethod,
    TargetSpecificTime,
)
from lightcurves.services import derive

NAME_LENGTH = 100
Made = DataSet | CurveFeatures


@dataclass(frozen=True)
class Analysis:
    """Something that can be done with a stored curve; raise the version when it comes out else."""

    version: str
    parameters: type[Any]
    work: Callable[[StoredCurve, Any], Any]
    store: Callable[[StoredCurve, str, Any, Any], Made]

    def read(self, given: Mapping[str, str]) -> Any:
        """Give parameters from words, such as {"width": "0.5"}.

        Raises
        ------
        BadLightCurve
            If one is unknown or is no value of its kind.
        """
        known = {field.name: str(field.type) for field in fields(self.parameters)}
        if unknown := given.keys() - known.keys():
            raise BadLightCurve(
                f"there is no parameter {', '.join(sorted(unknown))}; there are {', '.join(known)}"
            )
        words = {
            name: word.split(",") if known[name].startswith("tuple") else word
            for name, word in given.items()
        }
        try:
            return TypeAdapter(self.parameters).validate_python(words)
        except ValidationError as error:
            raise BadLightCurve(_in_words(error)) from error


def _in_words(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, one['loc']))}: {one['msg']}, not {one['input']!r}"
        for one in error.errors(include_url=False)
    )


def analyse(dataset: DataSet, name: str, parameters: Any) -> Made:
    """Analyse a stored curve and store what comes out; what there is already stays.

    Parameters
    ----------
    dataset : DataSet
    name : str
        Of `ANALYSES`.
    parameters : dataclass
        Of that analysis, `lightcurves.analysis.parameters`.

    Raises
    ------
    BadLightCurve
        If the curve cannot be analysed so, with the reason.
    """
    analysis = ANALYSES[name]
    curve = load_curve(dataset, flagged=parameters.flagged)
    try:
        found = analysis.work(curve, parameters)
    except ValueError as error:
        raise BadLightCurve(f"DataSet {dataset.pk}: {error}") from error
    with transaction.atomic():
        return analysis.store(curve, name, parameters, found)


def _detrend(curve: StoredCurve, wanted: told.Detrending) -> Any:
    divide = not curve.is_in_magnitudes if wanted.divide is None else wanted.divide
    found = detrend(
        curve.times, curve.values, curve.errors,
        width=wanted.width, method=wanted.method, gap=wanted.gap, divide=divide,
    )  # fmt: skip
    return found.values, found.errors, "" if divide else curve.dataset.unit


def _clip(curve: StoredCurve, wanted: told.Clipping) -> Any:
    out = find_outliers(curve.values, lower=wanted.lower, upper=wanted.upper, scale=wanted.scale)
    values = np.where(out, curve.values.dtype.type(np.nan), curve.values)
    return values, curve.errors, curve.dataset.unit


def _bin(curve: StoredCurve, wanted: told.Binning) -> Binned:
    arrays = curve.times, curve.values, curve.errors
    if wanted.points is not None:
        return bin_by_count(*arrays, points=wanted.points)
    return bin_by_width(*arrays, width=wanted.width or 0.0)


def _statistics(curve: StoredCurve, wanted: told.Variation) -> Any:
    arrays = curve.times, curve.values, curve.errors
    return measure_variability(*arrays, pair_days=wanted.pair_days)


def _period(curve: StoredCurve, wanted: told.PeriodSearch) -> Any:
    among = Range(wanted.shortest, wanted.longest, wanted.oversampling)
    search = Search(among, wanted.peaks, wanted.harmonics)
    return find_period(curve.times, curve.values, curve.errors, search=search)


def _transit(curve: StoredCurve, wanted: told.TransitSearch) -> Any:
    values = -curve.values if curve.is_in_magnitudes else curve.values
    search = BoxSearch(wanted.durations, wanted.shortest, wanted.longest)
    return find_transit(curve.times, values, curve.errors, search=search)


def _store_values(curve: StoredCurve, name: str, parameters: Any, found: Any) -> DataSet:
    values, errors, unit = found
    child = _child(curve, name, parameters, unit=unit)
    child.observation = curve.dataset.observation
    child.values, child.errors = values, errors
    derive(child, [curve.dataset])
    return child


def _child(curve: StoredCurve, name: str, parameters: Any, *, unit: str) -> DataSet:
    return DataSet(
        target=curve.dataset.target,
        photometric_method=curve.dataset.photometric_method,
        processing_method=method_of(name, parameters),
        unit=unit,
    )


def _store_bins(curve: StoredCurve, name: str, parameters: told.Binning, found: Binned) -> DataSet:
    """Store a binned curve with times of its own."""
    source = curve.dataset.observation
    observation = BinnedObservation.objects.create(
        instrument_id=source.instrument_id,
        cadence_reference=np.arange(found.times.size),
        extra=_without_none(
            source_observation=source.pk, width_days=parameters.width, points=parameters.points
        ),
    )
    TargetSpecificTime.objects.create(
        target=curve.dataset.target,
        observation=observation,
        barycentric_julian_dates=found.times / curve.days_per_unit,
    )
    child = _child(curve, name, parameters, unit=curve.dataset.unit)
    child.observation = observation
    child.values, child.errors = found.values, found.errors
    derive(child, [curve.dataset])
    return child


def _without_none(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def method_of(name: str, parameters: Any) -> ProcessingMethod:
    """Give the row of an analysis with its parameters; the same ones give the same row."""
    analysis, given = ANALYSES[name], asdict(parameters)
    shown = ", ".join(f"{key}={value}" for key, value in given.items() if value is not None)
    title = f"{name} {analysis.version}: {shown}"
    if len(title) > NAME_LENGTH:
        title = f"{title[: NAME_LENGTH - 9]} {hashlib.sha256(title.encode()).hexdigest()[:8]}"
    method, _ = ProcessingMethod.objects.get_or_create(
        name=title, defaults={"version": analysis.version, "parameters": given}
    )
    return method


def _store_features(curve: StoredCurve, name: str, parameters: Any, found: Any) -> CurveFeatures:
    figures = {key: _plain(value) for key, value in asdict(found).items()}
    return CurveFeatures.objects.create(
        dataset=curve.dataset,
        kind=name,
        version=ANALYSES[name].version,
        parameters=asdict(parameters),
        features=figures,
        period=figures.get("period"),
    )


def _plain(value: Any) -> Any:
    """Give a figure as JSON holds it, which knows no NaN."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return value


ANALYSES = {
    "detrend": Analysis("1", told.Detrending, _detrend, _store_values),
    "clip": Analysis("1", told.Clipping, _clip, _store_values),
    "bin": Analysis("1", told.Binning, _bin, _store_bins),
    "statistics": Analysis("1", told.Variation, _statistics, _store_features),
    "period": Analysis("1", told.PeriodSearch, _period, _store_features),
    "transit": Analysis("1", told.TransitSearch, _transit, _store_features),
}
