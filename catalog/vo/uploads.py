"""Tables that come with a query: VOTable files, asked as ``TAP_UPLOAD.name``."""

import io
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from astropy.io.votable import parse_single_table
from astropy.io.votable.exceptions import VOTableSpecError, VOTableSpecWarning
from astropy.table import Table as AstropyTable

from astrid.core.healpix import ORDER, cells_around, healpix
from catalog.vo.adql.schema import Column, Place, Table
from catalog.vo.errors import BadValue
from catalog.vo.requests import Asked
from catalog.vo.tap_schema import values_table
from catalog.vo.types import written

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,60}")
# By kind and bytes of numpy; truth values are numbers, and small ones without a sign fit a short.
_KINDS = {"b1": "int", "u1": "short", "i2": "short", "i4": "int", "f4": "float", "f8": "double"}
_WHOLE = "iu"
_CELL = "_hpx"
# Cells of these orders are at least 9', 35" and 2" wide: circles up to these are sought by cells.
_AROUND = ((8, "_near8"), (12, "_near12"), (16, "_near16"))
MOST_COLUMNS = 100


def uploaded(asked: Asked, files: Mapping[str, Any], most: int) -> list[Table]:
    """Read the tables that UPLOAD names.

    Raises
    ------
    BadValue
        If a name cannot be, a file is missing or no VOTable, or it has too many rows.
    """
    return [_table(name, _content(place, files), most) for name, place in named(asked)]


def named(asked: Asked) -> Iterator[tuple[str, str]]:
    """Give each table that UPLOAD names, with where it says that the table is."""
    pairs = [pair for each in asked.many("UPLOAD") for pair in each.split(";") if pair]
    for pair in pairs:
        name, comma, place = pair.partition(",")
        name = name.strip().lower().removeprefix("tap_upload.")
        if not comma or not _NAME.fullmatch(name):
            raise BadValue(f"UPLOAD is {pair[:60]!r}; it must be NAME,param:FILE")
        yield name, place.strip()


def _content(place: str, files: Mapping[str, Any]) -> bytes:
    scheme, _, name = place.partition(":")
    if scheme != "param":
        # An address would be fetched by this server, from wherever the caller likes.
        raise BadValue(f"UPLOAD from {place[:60]!r}: send the table along, as NAME,param:FILE")
    if name not in files:
        raise BadValue(f"UPLOAD names {name[:60]!r}, but no such file came along")
    content: bytes = files[name].read()
    return content


def _table(name: str, content: bytes, most: int) -> Table:
    values = _parsed(name, content)
    if len(values) > most:
        raise BadValue(f"table {name} has {len(values)} rows; at most {most} are taken")
    names = values.colnames
    if not 1 <= len(names) <= MOST_COLUMNS:
        raise BadValue(f"table {name} has {len(names)} columns; 1 to {MOST_COLUMNS} are taken")
    made = [_column(name, each, values[each]) for each in names]
    columns, lists = [column for column, _ in made], [list_ for _, list_ in made]
    place = _place(columns, lists)
    if place is not None:
        for column, values in _neighbourhood(columns, lists, place):
            columns.append(column)
            lists.append(values)
    labels = [each.name for each in columns]
    rows = [dict(zip(labels, row, strict=True)) for row in zip(*lists, strict=True)]
    statement, parameter = values_table(columns, rows)
    return Table(f"TAP_UPLOAD.{name}", tuple(columns), statement, (parameter,), place=place)


def _parsed(name: str, content: bytes) -> AstropyTable:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VOTableSpecWarning)
            table = parse_single_table(io.BytesIO(content), verify="ignore")
        return table.to_table(use_names_over_ids=True)
    except (VOTableSpecError, ValueError, IndexError, KeyError, TypeError, OSError) as error:
        raise BadValue(f"table {name} is no VOTable that can be read: {error}"[:300]) from None


def _column(table: str, name: str, values: Any) -> tuple[Column, list[Any]]:
    if not _NAME.fullmatch(name):
        raise BadValue(f"table {table} has a column {name[:60]!r}; names are letters, digits and _")
    if values.ndim != 1:
        raise BadValue(f"column {name} of table {table} has lists in it; single values are taken")
    plain = [None if each is np.ma.masked else _plain(each) for each in values]
    size = f"{values.dtype.kind}{values.dtype.itemsize}"
    kind = _KINDS.get(size, "long" if values.dtype.kind in _WHOLE else "char")
    if kind == "char":
        plain = [None if each is None else str(written(each)) for each in plain]
    described = Column(
        name,
        kind,
        arraysize="*" if kind == "char" else "",
        description=values.description or "",
        unit="" if values.unit is None else str(values.unit),
        ucd=values.meta.get("ucd", ""),
        utype=values.meta.get("utype", ""),
        xtype=values.meta.get("xtype", "") if kind == "char" else "",
    )
    return described, plain


def _plain(value: Any) -> Any:
    made = value.item() if isinstance(value, np.generic) else value
    if isinstance(made, bool):
        return int(made)
    return None if isinstance(made, float) and not np.isfinite(made) else made


def _place(columns: Sequence[Column], lists: Sequence[Iterable[Any]]) -> Place | None:
    """Find the position of the rows, if all have one."""
    names = {each.name.lower(): each for each in columns if each.datatype in ("double", "float")}
    for ra, dec in (("ra", "dec"), ("raj2000", "dej2000"), ("s_ra", "s_dec")):
        if ra in names and dec in names:
            return Place(names[ra].name, names[dec].name, _CELL, _AROUND)
    return None


def _neighbourhood(
    columns: Sequence[Column], lists: Sequence[Sequence[Any]], place: Place
) -> list[tuple[Column, list[Any]]]:
    """Give each row's cell, and the cells round it at some orders; none for rows off the sky."""
    labels = [each.name for each in columns]
    ra, dec = (np.array(lists[labels.index(each)], float) for each in (place.ra, place.dec))
    inside = np.flatnonzero((ra >= 0) & (ra <= 360) & (dec >= -90) & (dec <= 90))
    cells = healpix(ra[inside], dec[inside])
    made = [(Column(_CELL, "long", is_hidden=True), _spread(cells, inside, len(ra)))]
    for order, name in place.around:
        near = cells_around(cells >> 2 * (ORDER - order), order)
        column = Column(name, "long", arraysize="9", is_hidden=True)
        made.append((column, _spread(near, inside, len(ra))))
    return made


def _spread(values: Any, rows: Any, number: int) -> list[Any]:
    spread: list[Any] = [None] * number
    for row, value in zip(rows.tolist(), values.tolist(), strict=True):
        spread[row] = value
    return spread
