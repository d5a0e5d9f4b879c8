"""Positions against a table of positions: read what lies near all of them, match it here.

An image's worth of positions shares a patch of sky. To read that patch once from the covering
index, in the database's binary form, and to match it in a k-d tree costs a third of what a search
per position costs.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection, models
from scipy.spatial import cKDTree

from astrid.core.counting import estimate
from astrid.core.healpix import ORDER, Ranges, joined, ranges_round
from astrid.core.sky import SkyPosition, check_positions

WHOLE_SKY: int = 12 * 4**ORDER  # cells
# To read so many rows too many costs no more than to look for the next range in the index.
ROWS_PER_RANGE = 100
RANGES_PER_QUERY = 5000
_HEADER_BYTES, _TRAILER_BYTES = 19, 2
_KEYS = {"uuid": (16, "V16"), "bigint": (8, ">i8"), "integer": (4, ">i4")}

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
    chord, index = tree.query(_vectors(ra, dec))
    separation = _angle(chord)
    separation[chord > _chord(radius_deg)] = np.inf
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
    ranges = joined(ranges_round(ra, dec, radius_deg), ROWS_PER_RANGE * _cells_per_row(model))
    parts = [
        _read(model, ranges[start : start + RANGES_PER_QUERY])
        for start in range(0, len(ranges), RANGES_PER_QUERY)
    ]
    return _together(parts, model)


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


def _layout(model: type[models.Model]) -> np.dtype[Any]:
    """Give the bytes of a row as COPY writes them: a length before every value."""
    kind = str(model._meta.pk.db_type(connection))
    return np.dtype(
        [
            ("columns", ">i2"),
            ("key_bytes", ">i4"),
            ("key", _KEYS[kind.split()[0]][1]),
            ("ra_bytes", ">i4"),
            ("ra", ">f8"),
            ("dec_bytes", ">i4"),
            ("dec", ">f8"),
        ]
    )


def _read(model: type[models.Model], ranges: Ranges) -> npt.NDArray[Any]:
    firsts, lasts = (",".join(map(str, ends)) for ends in zip(*ranges, strict=True))
    key = connection.ops.quote_name(str(model._meta.pk.column))
    # Joined to a list of ranges the index is asked once per range, however many there are.
    query = (
        f"COPY (SELECT {key}, ra, dec "  # noqa: S608 - names of the model, numbers made here
        f"FROM unnest(ARRAY[{firsts}]::bigint[], ARRAY[{lasts}]::bigint[]) AS part(first, last) "
        f"JOIN {_table(model)} ON hpx BETWEEN first AND last) TO STDOUT (FORMAT BINARY)"
    )
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        content = b"".join(map(bytes, copy))
    return np.frombuffer(content[_HEADER_BYTES:-_TRAILER_BYTES], _layout(model))


def _together(parts: Iterable[npt.NDArray[Any]], model: type[models.Model]) -> Positions:
    rows = np.concatenate([np.empty(0, _layout(model)), *parts])
    return Positions(rows["key"], rows["ra"].astype(float), rows["dec"].astype(float))


def _chord(angle_deg: float) -> float:
    # The vectors carry rounding: a radius of 0 must find its own row.
    return float(2 * np.sin(np.radians(angle_deg + 1e-11) / 2))


def _angle(chord: FloatArray) -> FloatArray:
    return np.asarray(np.degrees(2 * np.arcsin(np.minimum(chord / 2, 1))))


def _vectors(ra: FloatArray, dec: FloatArray) -> FloatArray:
    lon, lat = np.radians(ra), np.radians(dec)
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
