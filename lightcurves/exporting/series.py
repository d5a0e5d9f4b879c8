"""Light curves as objects of astropy and lightkurve."""

from importlib import import_module
from typing import Any

import numpy as np
from astropy import units
from astropy.time import Time
from astropy.time.formats import TIME_FORMATS
from astropy.timeseries import TimeSeries

from astrid.core.array_bytes import Array
from lightcurves.errors import BadLightCurve, NotInstalled
from lightcurves.exporting.tables import curve_table
from lightcurves.exporting.time_systems import TimeSystem
from lightcurves.models import DataSet, Mission


def to_astropy(dataset: DataSet) -> TimeSeries:
    """Give a dataset as a time series, without the cadences that have no time.

    Columns are those of a download: cadence, flux or magnitude with its error, both with their
    unit, and one column per kind of flags. Times are in the mission's count and scale, which
    astropy knows from then on, unless it knows another count by that name. ``meta`` says where
    the curve comes from.

    Raises
    ------
    BadLightCurve
        If no times are stored.
    """
    table = curve_table(dataset)
    columns = {column.name: column for column in table.columns}
    if "time" not in columns:
        raise BadLightCurve(f"DataSet {dataset.pk} has no times; a time series needs them")
    times = columns.pop("time").values
    known = np.isfinite(times)
    series = TimeSeries(
        time=_time(times[known], table.system, dataset.target.catalog.host_mission),
        data={
            name: _measured(column.values[known], column.unit) for name, column in columns.items()
        },
    )
    series.meta.update(table.facts)
    return series


def _time(times: Array, system: TimeSystem, mission: Mission) -> Time:
    """Give times in the mission's count; as Julian dates if astropy counts otherwise by its name.

    Other packages teach astropy missions too: lightkurve brings a btjd of its own.
    """
    origin = float(system.origin_jd)
    days = times * units.Unit(system.unit).to(units.day)
    found = Time(origin, days, format="jd", scale=system.scale)
    if system.name not in TIME_FORMATS:
        mission.register_time_format()
    if Time(0.0, format=system.name, scale=system.scale).jd == origin:
        found.format = system.name
    return found


def _measured(values: Any, unit: str) -> Any:
    """Give an array its unit, if it has one."""
    return units.Quantity(values, unit, copy=False, dtype=values.dtype) if unit else values


def to_lightkurve(dataset: DataSet) -> Any:
    """Give a dataset as a light curve of lightkurve, with ``cadenceno`` and ``quality``.

    Bits of several kinds of flags are put together in ``quality``.

    Raises
    ------
    NotInstalled
        If lightkurve is not installed.
    BadLightCurve
        As `to_astropy`.
    """
    lightkurve = _lightkurve()
    series = to_astropy(dataset)
    name = "magnitude" if "magnitude" in series.colnames else "flux"
    curve = lightkurve.LightCurve(
        time=series.time,
        flux=series[name],
        flux_err=series[f"{name}_err"],
        meta=dict(series.meta) | {"LABEL": str(dataset.target)},
    )
    curve["cadenceno"] = series["cadence"]
    flags = [series[column] for column in series.colnames if column not in _named(name)]
    if flags:
        curve["quality"] = np.bitwise_or.reduce([np.asarray(bits) for bits in flags])
    return curve


def _named(name: str) -> tuple[str, ...]:
    return ("time", "cadence", name, f"{name}_err")


def _lightkurve() -> Any:
    try:
        return import_module("lightkurve")
    except ModuleNotFoundError as error:
        raise NotInstalled(
            f"lightkurve cannot be imported ({error}); install it: pip install lightkurve"
        ) from error
