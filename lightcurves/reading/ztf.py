"""Light curves of ZTF as tables of comma-separated values: of its archive, ALeRCE and SkyPortal.

A row is one exposure. Times are Modified Julian Dates (UTC) of the observer, as in the file: none
of these tables has barycentric times. A cadence is a second: the number of those since MJD 0.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from lightcurves.errors import BadLightCurve
from lightcurves.reading.curves import Curve, Floats, Integers, Measured, MissionFacts, usable

ZTF = MissionFacts("ZTF", "ZTF", "ztf_mjd", "2400000.5", "utc")
SECONDS = 86_400
MICROJANSKY_ZERO = 23.9  # AB magnitude of a microjansky
_SAME_PLACE_DEG = 1.0  # what lies wider apart is not one object, or lies across 0 h
OBJECT_COLUMNS = ("oid", "objectId", "object_id", "obj_id")
BANDS = {"1": "g", "2": "r", "3": "i", "zg": "g", "zr": "r", "zi": "i",
         "ztfg": "g", "ztfr": "r", "ztfi": "i", "g": "g", "r": "r", "i": "i"}  # fmt: skip
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
Row = Mapping[str, str]


@dataclass(frozen=True)
class Dialect:
    """What one service calls the columns.

    ``same`` are columns that must not vary, by the observation's value they become; ``flags`` a
    column of bits; ``sign`` a column that tells differences that are negative; ``unit`` that of
    the values.
    """

    source: str
    band: str
    values: str
    errors: str
    same: Mapping[str, str] | None = None
    flags: str | None = None
    sign: str | None = None
    unit: str = ""

    @property
    def required(self) -> set[str]:
        """The columns by which a file is known to be of this dialect."""
        return {"mjd", self.band, self.values, self.errors}


DIALECTS = (
    Dialect("ZTF forced flux", "filter", "flux", "fluxerr",
            same={"zp": "zero_point", "magsys": "mag_system"}),
    Dialect("ALeRCE difference magnitude", "fid", "magpsf", "sigmapsf", sign="isdiffpos",
            unit="mag"),
    Dialect("ZTF archive magnitude", "filtercode", "mag", "magerr", flags="catflags",
            unit="mag"),
)  # fmt: skip


def read_csv(path: Path) -> list[Curve]:
    """Give the light curves of a file, one per object and band.

    Raises
    ------
    BadLightCurve
        If the file has other columns, a value that is no number, or two rows of one second.
    """
    with path.open(newline="", encoding="utf-8") as lines:
        try:
            reader = csv.DictReader(lines)
            rows: list[dict[str, str]] = list(reader)
            names = reader.fieldnames or ()
        except (csv.Error, UnicodeDecodeError) as error:
            raise BadLightCurve(f"not readable as comma-separated values: {error}") from error
    dialect = _dialect(names)
    if not rows:
        raise BadLightCurve("there is a line of names, and no row below it")

    def series(row: Row) -> tuple[str, str]:
        return _object(row, path), _band(row[dialect.band] or "")

    return [
        _curve(name, band, list(found), dialect)
        for (name, band), found in groupby(sorted(rows, key=series), key=series)
    ]


def _dialect(names: Sequence[str]) -> Dialect:
    for dialect in DIALECTS:
        if dialect.required <= set(names):
            return dialect
    known = "; or ".join(", ".join(sorted(dialect.required)) for dialect in DIALECTS)
    raise BadLightCurve(f"the columns are {', '.join(names) or 'none'}; known are {known}")


def _object(row: Row, path: Path) -> str:
    """Name the object: by its column, or by the name of the file up to the first ``_``."""
    return next((row[name] for name in OBJECT_COLUMNS if row.get(name)), path.stem.split("_")[0])


def _band(text: str) -> str:
    if text.strip().lower() not in BANDS:
        raise BadLightCurve(f"the band is {text!r}; known are {', '.join(BANDS)}")
    return BANDS[text.strip().lower()]


def target_number(name: str) -> int:
    """Give the number that stands for an object: itself, or its letters and digits in base 36.

    ``ZTF18abcdefg`` is 18abcdefg in base 36; `target_name` gives it back.

    Raises
    ------
    BadLightCurve
        If the name is no number and not ZTF with up to eleven letters and digits behind.
    """
    if name.isascii() and name.isdecimal() and len(name) <= 18:
        return int(name)
    rest = name[3:].lower()
    if name[:3].upper() != "ZTF" or not 0 < len(rest) <= 11 or set(rest) - set(_DIGITS):
        raise BadLightCurve(f"the object is {name!r}; it must be a number or ZTF18abcdefg")
    if rest[0] == "0":
        raise BadLightCurve(f"the object is {name!r}; what follows ZTF must not begin with 0")
    return int(rest, 36)


def target_name(number: int) -> str:
    """Give the name of an object whose number `target_number` made from it."""
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return f"ZTF{digits}"


def _curve(name: str, band: str, rows: list[Row], dialect: Dialect) -> Curve:
    times = _numbers(rows, "mjd", name)
    order = np.argsort(times, kind="stable")
    values, errors = (_numbers(rows, key, name)[order] for key in (dialect.values, dialect.errors))
    taken = Measured(
        dialect.values, dialect.source, None, values, errors, unit=_unit(rows, dialect)
    )
    measured, notes = usable([taken])
    return Curve(
        mission=ZTF,
        target=target_number(name),
        instrument=("ZTF", "ZTF camera"),
        kind="ztf",
        facts={"filter_name": band, **_same(rows, dialect)},
        cadences=_seconds(times[order]),
        times=times[order],
        flags={kind: bits[order] for kind, bits in _flags(rows, dialect, name).items()},
        measured=measured,
        notes=notes,
        position=_position(rows, name),
    )


def _unit(rows: list[Row], dialect: Dialect) -> str:
    """Give the unit of the values: microjansky is what a zero point of 23.9 AB means."""
    said = _same(rows, dialect)
    is_microjansky = said.get("zero_point") == MICROJANSKY_ZERO and said.get("mag_system") == "ab"
    return "uJy" if is_microjansky else dialect.unit


def _position(rows: list[Row], name: str) -> tuple[float, float] | None:
    """Give the median of the rows' positions, if they have any; of places across 0 h, none."""
    if not {"ra", "dec"} <= set(rows[0]):
        return None
    ra, dec = (_numbers(rows, column, name) for column in ("ra", "dec"))
    known = np.isfinite(ra) & np.isfinite(dec)
    if not known.any() or np.ptp(ra[known]) > _SAME_PLACE_DEG:
        return None
    return float(np.median(ra[known])), float(np.median(dec[known]))


def _numbers(rows: Iterable[Row], column: str, name: str) -> Floats:
    """Give a column as numbers, NaN where it is empty."""
    texts = [row[column] for row in rows]
    try:
        return np.array([float(text) if text else np.nan for text in texts])
    except (TypeError, ValueError) as error:
        raise BadLightCurve(f"{name}: column {column}: {error}") from error


def _seconds(times: Floats) -> Integers:
    if not np.isfinite(times).all():
        raise BadLightCurve(f"{np.count_nonzero(~np.isfinite(times))} rows have no mjd")
    seconds: Integers = np.round(times * SECONDS).astype(np.int64)
    if (again := np.flatnonzero(np.diff(seconds) == 0)).size:
        raise BadLightCurve(f"two rows of one band are of MJD {times[again[0]]}")
    return seconds


def _same(rows: list[Row], dialect: Dialect) -> dict[str, Any]:
    """Give what must be one for all rows."""
    found: dict[str, Any] = {}
    for column, name in (dialect.same or {}).items():
        values = {row[column] for row in rows if row.get(column)}
        if len(values) > 1:
            raise BadLightCurve(f"column {column} varies: {', '.join(sorted(values)[:5])}")
        if values:
            found[name] = _plain(values.pop())
    return found


def _plain(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _flags(rows: list[Row], dialect: Dialect, name: str) -> dict[str, Integers]:
    if dialect.flags and dialect.flags in rows[0]:
        return {"ztf_quality": np.nan_to_num(_numbers(rows, dialect.flags, name)).astype(np.int32)}
    if dialect.sign and dialect.sign in rows[0]:
        signs = [(row[dialect.sign] or "").strip().lower() for row in rows]
        return {"alerce_quality": np.isin(signs, ["-1", "f", "0"]).astype(np.int32)}
    return {}
