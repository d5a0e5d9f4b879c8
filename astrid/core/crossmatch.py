"""Positions against a table of positions: read what lies near all of them, match it here.

An image's worth of positions shares a patch of sky. To read that patch once from the covering
index, as three arrays in the database's binary form, and to match it in a k-d tree costs a third of
what a search per position costs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection, models
from scipy.spatial import cKDTree

from astrid.core.counting import estimate
from astrid.core.healpix import ORDER, WHOLE_SKY, Ranges, joined, ranges_round
from astrid.core.prepared import ends, fetch_prepared, in_parts
from astrid.core.sky import SkyPosition, check_positions

# To read so many rows too many costs no more than to look for the next range in the index.
ROWS_PER_RANGE = 100
RANGES_PER_QUERY = 5000
_KEYS = {"uuid": "V16", "bigint": ">i8", "integer": ">i4"}
_HEADER_BYTES = 20  # of an array: dimensions, whether it has NULLs, type, length, first subscript

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Positions:
    """Rows of a table: keys as the database writes them, and places in degrees."""

    keys: npt.NDArray[Any]
    ra: FloatArray
    dec: FloatArray


@dataclass(frozen=True)
class Nearest:
    """The row next to each position.

    Attributes
    ----------
    keys : (n,) list
        Primary keys; None where no row is near enough.
    separation_deg : (n,) float array
        Great-circle distance, degrees; infinite where no row is near enough.
    """

    keys: list[Any]
    separation_deg: FloatArray


def nearest(
    model: type[SkyPosition], ra: npt.ArrayLike, dec: npt.ArrayLike, radius_deg: float
) -> Nearest:
    """Give the row of ``model`` next to each position, within ``radius_deg``.

    Parameters
    ----------
    model : type of SkyPosition
        The table.
    ra, dec : (n,) array_like
        Degrees ICRS.
    radius_deg : float
        At most 1 degree.

    Raises
    ------
    ValueError
        If a position is not on the sky, or the radius is not in 0 to 1 degree.
    """
    ra, dec = _checked(ra, dec, radius_deg)
    if ra.size == 0:
        return Nearest([], np.empty(0))
    rows = positions_near(model, ra, dec, radius_deg)
    if rows.ra.size == 0:
        return Nearest([None] * ra.size, np.full(ra.size, np.inf))
    tree: Any = cKDTree(_vectors(rows.ra, rows.dec))
    most = _chord(radius_deg)
    # Bounded, a search ends where nothing is near; what is at the bound itself is left to us.
    chord, index = tree.query(_vectors(ra, dec), distance_upper_bound=2 * most)
    separation = _angle(chord)
    separation[chord > most] = np.inf
    keys = [
        key_of(model, rows.keys[one]) if np.isfinite(apart) else None
        for one, apart in zip(index, separation, strict=True)
    ]
    return Nearest(keys, separation)


def pairs(
    model: type[SkyPosition],
    ra: npt.ArrayLike,
    dec: npt.ArrayLike,
    radius_deg: float,
    *,
    most: int | None = None,
) -> tuple[npt.NDArray[np.intp], npt.NDArray[Any], FloatArray]:
    """Give every pair of a position and a row within ``radius_deg`` of it.

    Parameters
    ----------
    model, ra, dec, radius_deg
        As of :func:`nearest`.
    most : int, optional
        How many pairs there may be: they are counted before any is kept.

    Returns
    -------
    index : (m,) int array
        Which position.
    keys : (m,) array
        Which row: see :func:`key_of`.
    separation_deg : (m,) float array

    Raises
    ------
    ValueError
        As :func:`nearest` does, or if there are more than ``most``.
    """
    ra, dec = _checked(ra, dec, radius_deg)
    rows = positions_near(model, ra, dec, radius_deg)
    if ra.size == 0 or rows.ra.size == 0:
        return np.empty(0, np.intp), rows.keys[:0], np.empty(0)
    ours, theirs = (cKDTree(_vectors(*one)) for one in ((ra, dec), (rows.ra, rows.dec)))
    if most is not None and (number := ours.count_neighbors(theirs, _chord(radius_deg))) > most:
        raise ValueError(f"{number:,} pairs within the radius; at most {most:,} are given")
    found: Any = ours.sparse_distance_matrix(theirs, _chord(radius_deg), output_type="ndarray")
    return found["i"], rows.keys[found["j"]], _angle(found["v"])


def positions_near(
    model: type[SkyPosition], ra: FloatArray, dec: FloatArray, radius_deg: float
) -> Positions:
    """Read the rows that can lie within ``radius_deg`` of any position, and some more."""
    gap = ROWS_PER_RANGE * _cells_per_row(model)
    ranges = joined(ranges_round(ra, dec, radius_deg, finest=_order_of(gap)), gap)
    parts = [
        _read(model, ranges[start : start + RANGES_PER_QUERY])
        for start in range(0, len(ranges), RANGES_PER_QUERY)
    ]
    return _together([_nothing(model), *parts])


def key_of(model: type[SkyPosition], raw: Any) -> Any:
    """Give a primary key as Python knows it."""
    field = model._meta.pk
    return field.to_python(raw.tobytes().hex() if isinstance(raw, np.void) else int(raw))


def _checked(
    ra: npt.ArrayLike, dec: npt.ArrayLike, radius_deg: float
) -> tuple[FloatArray, FloatArray]:
    if not 0 <= radius_deg <= 1:
        raise ValueError(f"radius is {radius_deg}; it must lie in 0 to 1 degree")
    return check_positions(ra, dec)


def _cells_per_row(model: type[SkyPosition]) -> int:
    """Estimate how many cells of the sky there are per row of the table."""
    return WHOLE_SKY // max(estimate(model._base_manager.all()), 1)


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _order_of(gap: int) -> int:
    """Give the order from which on cells are smaller than what is read in one go anyway."""
    # Nine cells round a position are read, so that these may hold as much together.
    return min(ORDER, ORDER - math.floor(math.log(max(gap, 1) / 9, 4)))


def _read(model: type[SkyPosition], ranges: Ranges) -> Positions:
    ((keys, ra, dec),) = fetch_prepared(_statement(model), ends(ranges))
    if keys is None:
        return _nothing(model)
    return Positions(
        _values(keys, _type_of_keys(model)), *(_values(one, ">f8") for one in (ra, dec))
    )


def _nothing(model: type[SkyPosition]) -> Positions:
    return Positions(np.empty(0, _type_of_keys(model)), np.empty(0), np.empty(0))


@cache
def _statement(model: type[SkyPosition]) -> bytes:
    """Ask for columns, each as one array: values by the row cost the client ten times as much."""
    key = connection.ops.quote_name(str(model._meta.pk.column))
    columns = ", ".join(f"array_send(array_agg({name}))" for name in (key, "ra", "dec"))
    near = in_parts(f"{key}, ra, dec", _table(model))
    return f"SELECT {columns} FROM {near}".encode()  # noqa: S608 - names of the model


def _type_of_keys(model: type[models.Model]) -> str:
    return _KEYS[str(model._meta.pk.db_type(connection)).split()[0]]


def _values(array: bytes, kind: str) -> npt.NDArray[Any]:
    """Read an array without NULLs: a length before every value."""
    layout = np.dtype([("length", ">i4"), ("value", kind)])
    values = np.frombuffer(array, layout, offset=_HEADER_BYTES)["value"]
    return values.astype(float) if kind == ">f8" else values


def _together(parts: Sequence[Positions]) -> Positions:
    keys, ra, dec = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("keys", "ra", "dec")
    )
    return Positions(keys, ra, dec)


def _chord(angle_deg: float) -> float:
    # The vectors carry rounding: a radius of 0 must find its own row.
    return float(2 * np.sin(np.radians(angle_deg + 1e-11) / 2))


def _angle(chord: FloatArray) -> FloatArray:
    return np.asarray(np.degrees(2 * np.arcsin(np.minimum(chord / 2, 1))))


def _vectors(ra: FloatArray, dec: FloatArray) -> FloatArray:
    lon, lat = np.radians(ra), np.radians(dec)
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
