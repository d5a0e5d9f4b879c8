"""A table that somebody sent: its columns, and where its rows are on the sky."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.table import Column as TableColumn
from astropy.table import Table

from catalog.crossmatch.errors import BadCrossmatch
from catalog.vo.adql.schema import Column
from catalog.vo.types import written
from preprocessing.photometry.catalog_columns import PLACES, in_unit
from preprocessing.photometry.star_catalog import read_table

MOST_BYTES = 64 * 2**20
MOST_ROWS = 200_000
MOST_COLUMNS = 200
# The words of cone search, and those that came after.
_RA_UCDS = ("POS_EQ_RA_MAIN", "pos.eq.ra;meta.main", "pos.eq.ra")
_DEC_UCDS = ("POS_EQ_DEC_MAIN", "pos.eq.dec;meta.main", "pos.eq.dec")
_KINDS = {"b": "boolean", "i": "long", "u": "long", "f": "double"}


@dataclass(frozen=True)
class Sent:
    """The rows of a table, and their places.

    Attributes
    ----------
    table : Table
    ra_column, dec_column : str
        Where the places stand.
    ra, dec : (n,) arrays
        Degrees; NaN where a row has no place on the sky.
    """

    table: Table
    ra_column: str
    dec_column: str
    ra: npt.NDArray[np.float64]
    dec: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.table)

    @property
    def is_placed(self) -> npt.NDArray[np.bool_]:
        """Which rows have a place."""
        return np.isfinite(self.ra)

    def columns(self) -> list[Column]:
        """Describe the columns."""
        return [_described(self.table[name]) for name in self.table.colnames]

    def values(self, rows: npt.NDArray[np.intp]) -> list[list[Any]]:
        """Give some rows as plain values, column by column."""
        return [_plain(self.table[name][rows]) for name in self.table.colnames]


def read(content: bytes, name: str, ra_column: str = "", dec_column: str = "") -> Sent:
    """Read a table from CSV, ECSV, VOTable, FITS or Parquet.

    Raises
    ------
    BadCrossmatch
        If it is too large, no such table, or its columns of positions are not known.
    """
    if len(content) > MOST_BYTES:
        raise BadCrossmatch(
            f"the file has {len(content) / 2**20:.0f} MiB; at most {MOST_BYTES >> 20} are taken"
        )
    try:
        table = read_table(content, name)
    except ValueError as error:
        raise BadCrossmatch(str(error)) from error
    _check_size(table)
    found = _columns_of(table, ra_column, dec_column)
    ra, dec = (_degrees(table, each) for each in found)
    off = ~((ra >= 0) & (ra <= 360) & (np.abs(dec) <= 90))
    ra[off] = dec[off] = np.nan
    if off.all():
        raise BadCrossmatch(
            f"no row has a place: {found[0]} must lie in 0 to 360 and {found[1]} in -90 to 90 "
            "degrees"
        )
    return Sent(table, *found, ra % 360, dec)


def _check_size(table: Table) -> None:
    if not 1 <= len(table) <= MOST_ROWS:
        raise BadCrossmatch(f"the table has {len(table):,} rows; 1 to {MOST_ROWS:,} are taken")
    if len(table.colnames) > MOST_COLUMNS:
        raise BadCrossmatch(
            f"the table has {len(table.colnames)} columns; at most {MOST_COLUMNS} are taken"
        )
    for name in table.colnames:
        if not isinstance(table[name], TableColumn) or table[name].ndim != 1:
            raise BadCrossmatch(f"column {name} has more than one value per row; leave it out")


def _columns_of(table: Table, ra_column: str, dec_column: str) -> tuple[str, str]:
    """Find the columns of positions: those that are named, or by their UCDs, or by their names."""
    if ra_column or dec_column:
        return _named(table, ra_column, "ra_column"), _named(table, dec_column, "dec_column")
    by_ucd = _by_ucd(table, _RA_UCDS), _by_ucd(table, _DEC_UCDS)
    if by_ucd[0] and by_ucd[1]:
        return by_ucd[0], by_ucd[1]
    lower = {name.lower(): name for name in reversed(table.colnames)}
    for ra, dec in (*PLACES, ("s_ra", "s_dec")):
        if ra.lower() in lower and dec.lower() in lower:
            return lower[ra.lower()], lower[dec.lower()]
    raise BadCrossmatch(
        f"no columns of positions are known among {', '.join(table.colnames)}: name them",
        "ra_column",
    )


def _named(table: Table, name: str, field: str) -> str:
    if name not in table.colnames:
        raise BadCrossmatch(
            f"the table has no column {name!r}; it has {', '.join(table.colnames)}", field
        )
    return name


def _by_ucd(table: Table, ucds: Sequence[str]) -> str:
    ucd_of = {name: str(table[name].meta.get("ucd", "")) for name in table.colnames}
    return next((name for ucd in ucds for name in ucd_of if ucd_of[name] == ucd), "")


def _degrees(table: Table, name: str) -> npt.NDArray[np.float64]:
    try:
        return np.array(in_unit(table[name], u.deg))
    except u.UnitConversionError as error:
        raise BadCrossmatch(f"column {name} is no angle in degrees: {error}") from error
    except (ValueError, TypeError) as error:
        raise BadCrossmatch(
            f"column {name} is no angle in degrees: it holds {_no_number(table[name])}; give "
            "numbers, and leave unknown places empty"
        ) from error


def _no_number(column: TableColumn) -> str:
    """Give the first value of a column that is no number, as it was sent."""
    for value in column.tolist():
        try:
            float(value or "nan")
        except (ValueError, TypeError):
            return repr(value)[:40]
    return f"values of the kind {column.dtype}"


def _described(column: Any) -> Column:
    kind = _KINDS.get(column.dtype.kind, "char")
    return Column(
        column.name,
        kind,
        description=" ".join((column.description or "").split()),
        unit="" if column.unit is None else column.unit.to_string("vounit"),
        ucd=str(column.meta.get("ucd", "")),
        arraysize="*" if kind == "char" else "",
    )


def _plain(column: Any) -> list[Any]:
    values = column.tolist()  # None where it is masked
    if column.dtype.kind in _KINDS:
        return [None if value != value else value for value in values]
    return [None if value is None else _text(value) for value in values]


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(written(value))
