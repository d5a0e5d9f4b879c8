"""Rows as files: CSV, JSON Lines, Parquet, FITS, VOTable, DS9 regions.

Every writer takes rows a part at a time and keeps none.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import IO, Any
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io import fits

from catalog.exports.reading import Rows
from catalog.models import ExportFormat
from catalog.vo import votable
from catalog.vo.adql.schema import Column
from catalog.vo.types import converter, written

ENDINGS: Mapping[str, str] = {
    ExportFormat.CSV: "csv",
    ExportFormat.JSONL: "jsonl",
    ExportFormat.PARQUET: "parquet",
    ExportFormat.FITS: "fits",
    ExportFormat.VOTABLE: "vot",
    ExportFormat.DS9: "reg",
}
CONTENT_TYPES: Mapping[str, str] = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.JSONL: "application/jsonl",
    ExportFormat.PARQUET: "application/vnd.apache.parquet",
    ExportFormat.FITS: "application/fits",
    ExportFormat.VOTABLE: "application/x-votable+xml",
    ExportFormat.DS9: "text/plain; charset=utf-8",
}
_BLOCK = 2880  # bytes, of FITS
_FITS_NULL = {"short": -(2**15), "int": -(2**31), "long": -(2**63)}
_FITS_FORMAT = {"short": "I", "int": "J", "long": "K", "float": "E", "double": "D", "boolean": "L"}
_PARQUET = {
    "short": pa.int16(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
}
_RADIUS_ARCSEC = 3.0


class Unwritable(ValueError):
    """Rows that a format has no way to say."""


def check(rows: Rows, file_format: str) -> None:
    """Refuse rows that cannot be written in a format: regions without ra and dec."""
    names = [one.name for one in rows.columns]
    if file_format == ExportFormat.DS9 and not {"ra", "dec"} <= set(names):
        raise Unwritable(
            f"regions want columns ra and dec; the query gives {', '.join(names)}: "
            "ask for them, or choose another format"
        )


def write(rows: Rows, file_format: str, out: IO[bytes]) -> int:
    """Write rows in a format; give their number.

    Raises
    ------
    Unwritable
        As :func:`check` does.
    """
    check(rows, file_format)
    return _WRITERS[ExportFormat(file_format)](rows, out)


def schema_of(rows: Rows) -> list[dict[str, str]]:
    """Describe the columns: name, type, unit, UCD, meaning."""
    return [
        {
            "name": one.name,
            "datatype": one.datatype,
            "unit": one.unit,
            "ucd": one.ucd,
            "description": one.description,
        }
        for one in rows.columns
    ]


def _csv(rows: Rows, out: IO[bytes]) -> int:
    return rows.copy_csv(out)


def _jsonl(rows: Rows, out: IO[bytes]) -> int:
    names = [one.name for one in rows.columns]
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    number = 0
    for part in rows.parts():
        columns = _plain(rows.columns, part)
        lines = [encode(dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)]
        out.write(("\n".join(lines) + "\n").encode())
        number += len(part)
    return number


def _plain(columns: tuple[Column, ...], part: list[tuple[Any, ...]]) -> list[list[Any]]:
    """Give a part by columns, as plain values; what is not a number is none."""
    return [
        [_finite(convert(value)) for value in values]
        for convert, values in zip(map(converter, columns), zip(*part, strict=True), strict=True)
    ]


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _parquet(rows: Rows, out: IO[bytes]) -> int:
    schema = pa.schema([_parquet_field(one) for one in rows.columns])
    number = 0
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        for part in rows.parts():
            arrays = [
                pa.array([_parquet_value(value, one) for value in values], one.type)
                for one, values in zip(schema, zip(*part, strict=True), strict=True)
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            number += len(part)
    return number


def _parquet_field(column: Column) -> pa.Field:
    kind = pa.timestamp("us", tz="UTC") if column.xtype == "timestamp" else pa.string()
    about = {"unit": column.unit, "ucd": column.ucd, "description": column.description}
    return pa.field(
        column.name,
        _PARQUET.get(column.datatype, kind),
        metadata={name: value for name, value in about.items() if value},
    )


def _parquet_value(value: Any, field: pa.Field) -> Any:
    if pa.types.is_string(field.type):
        return written(value)
    return float(value) if pa.types.is_floating(field.type) and value is not None else value


def _fits(rows: Rows, out: IO[bytes]) -> int:
    number, widths = rows.number_and_widths()
    empty = fits.BinTableHDU.from_columns(
        [_fits_column(one, width) for one, width in zip(rows.columns, widths, strict=True)]
    )
    for place, one in enumerate(rows.columns, start=1):
        if one.ucd:
            empty.header[f"TUCD{place}"] = one.ucd
        if one.description:
            empty.header[f"TCOMM{place}"] = one.description
    empty.header["NAXIS2"] = number
    empty.header["EXTNAME"] = "ROWS"
    dtype = empty.columns.dtype.newbyteorder(">")
    out.write(fits.PrimaryHDU().header.tostring().encode("ascii"))
    out.write(empty.header.tostring().encode("ascii"))
    written_rows = 0
    for part in rows.parts():
        out.write(_fits_records(rows.columns, part, dtype).tobytes())
        written_rows += len(part)
    if written_rows != number:  # the header has said another number
        raise Unwritable(f"{number} rows became {written_rows} while they were written: ask again")
    out.write(bytes(-number * dtype.itemsize % _BLOCK))
    return number


def _fits_column(column: Column, width: int) -> fits.Column:
    # A time is written longer by us than by the database.
    kind = _FITS_FORMAT.get(column.datatype, f"{max(width, 1) + 4}A")
    return fits.Column(
        column.name, kind, unit=column.unit or None, null=_FITS_NULL.get(column.datatype)
    )


def _fits_records(
    columns: tuple[Column, ...], part: list[tuple[Any, ...]], dtype: np.dtype[Any]
) -> np.ndarray[Any, Any]:
    records = np.zeros(len(part), dtype)
    for one, name, values in zip(columns, dtype.names or (), zip(*part, strict=True), strict=True):
        records[name] = [_fits_value(one.datatype, value) for value in values]
    return records


def _fits_value(datatype: str, value: Any) -> Any:
    if datatype == "boolean":
        return 0 if value is None else ord("T" if value else "F")
    if datatype in _FITS_NULL:
        return _FITS_NULL[datatype] if value is None else value
    if datatype in ("float", "double"):
        return np.nan if value is None else float(value)
    # FITS knows no letters but those of ASCII.
    return b"" if value is None else str(written(value)).encode("ascii", "replace")


def _votable(rows: Rows, out: IO[bytes]) -> int:
    # What letters will come is not known beforehand.
    described = [
        replace(one, datatype="unicodeChar") if one.arraysize == "*" else one
        for one in rows.columns
    ]
    head, end, tail = votable.table(described, []).partition(b"</TABLE>")
    out.write(head + b"<DATA><TABLEDATA>\n")
    number = 0
    for part in rows.parts():
        columns = [
            [_cell(convert(value)) for value in values]
            for convert, values in zip(
                map(converter, rows.columns), zip(*part, strict=True), strict=True
            )
        ]
        for row in zip(*columns, strict=True):
            out.write(f"<TR><TD>{'</TD><TD>'.join(row)}</TD></TR>\n".encode())
        number += len(part)
    out.write(b"</TABLEDATA></DATA>" + end + tail)
    return number


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else escape(votable.clean(str(value)))


def _ds9(rows: Rows, out: IO[bytes]) -> int:
    names = [one.name for one in rows.columns]
    ra, dec = names.index("ra"), names.index("dec")
    label = next((names.index(name) for name in ("designation", "name") if name in names), None)
    out.write(b"# Region file format: DS9 version 4.1\nicrs\n")
    number = 0
    for part in rows.parts():
        for row in part:
            text = "" if label is None else f" # text={{{_region_text(row[label])}}}"
            circle = f'circle({row[ra]!r},{row[dec]!r},{_RADIUS_ARCSEC}"){text}\n'
            out.write(circle.encode())
        number += len(part)
    return number


def _region_text(value: Any) -> str:
    return str(value or "").replace("{", "(").replace("}", ")").replace("\n", " ")


_WRITERS: Mapping[ExportFormat, Callable[[Rows, IO[bytes]], int]] = {
    ExportFormat.CSV: _csv,
    ExportFormat.JSONL: _jsonl,
    ExportFormat.PARQUET: _parquet,
    ExportFormat.FITS: _fits,
    ExportFormat.VOTABLE: _votable,
    ExportFormat.DS9: _ds9,
}
