"""Columns as PostgreSQL's COPY reads them in its binary form.

Reference: PostgreSQL, "COPY", section "Binary Format".
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection

Array = npt.NDArray[Any]

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_NULL = -1  # the length that stands for no value
_PART = 1000  # rows joined at a time: their bytes stay in the processor's cache
# Times count microseconds from here.
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_NUMBERS = {
    "double precision": ">f8",
    "bigint": ">i8",
    "integer": ">i4",
    "smallint": ">i2",
    "boolean": "?",
}


def type_of(field: Any) -> str:
    """Name the type of a field's column without its length."""
    return str(field.db_type(connection)).partition("(")[0]


def is_column(value: Any) -> bool:
    """Say whether these are values by row, and not one value for all."""
    return isinstance(value, np.ndarray | list)


@dataclass(frozen=True)
class Encoded:
    """One column, or one value for all rows: bytes filled up to one width, and their lengths."""

    content: Array  # (n,) or (1,) of bytes; one value for all is as wide as it is long
    lengths: npt.NDArray[np.int64]  # as many; -1 where there is no value

    @property
    def width(self) -> int:
        """The bytes kept for each value."""
        return self.content.dtype.itemsize

    @property
    def filled(self) -> npt.NDArray[np.int64]:
        """How many of these bytes belong to the value."""
        return np.maximum(self.lengths, 0)

    def part(self, rows: slice) -> "Encoded":
        """Give the values of some rows."""
        return Encoded(self.content[rows], self.lengths[rows])


def encoded(name: str, kind: str, values: Any) -> Encoded:
    """Write the values of a column of a type, or one value for all rows.

    Raises
    ------
    ValueError
        If a value does not fit the type; the message has both.
    """
    column = values if is_column(values) else [values]
    try:
        if kind in _NUMBERS:
            return _numbers(column, np.dtype(_NUMBERS[kind]))
        if isinstance(column, np.ndarray) and column.dtype.kind in "VM":
            return _fixed(column, kind)
        return _written(column, _WRITERS[kind])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{name} cannot be written as {kind}: {error}") from error


def _numbers(column: Any, dtype: np.dtype[Any]) -> Encoded:
    masked = _masked(column)
    natural, is_null = np.ma.getdata(masked), np.ma.getmaskarray(masked)
    with np.errstate(invalid="ignore", over="ignore"):
        array = natural.astype(dtype)
    if not np.can_cast(natural.dtype, dtype):
        same = (array == natural) | ((array != array) & (natural != natural))
        if not (same | is_null).all():
            raise ValueError(f"{natural[~(same | is_null)][0]} does not fit")
    lengths = np.where(is_null, _NULL, dtype.itemsize)
    return _nothing(lengths) if is_null.all() else Encoded(_raw(array), lengths)


def _nothing(lengths: npt.NDArray[np.int64]) -> Encoded:
    """Keep no bytes for a column that has no value at all."""
    return Encoded(np.empty(len(lengths), np.dtype([])), lengths)


def _raw(array: Array) -> Array:
    return array.view(f"V{array.dtype.itemsize}")


def _masked(column: Any) -> Any:
    if isinstance(column, np.ndarray):
        return column
    is_null = [value is None for value in column]
    return np.ma.array([0 if value is None else value for value in column], mask=is_null)


def _fixed(column: Array, kind: str) -> Encoded:
    """Write raw keys (16 bytes each) and times of numpy."""
    if kind == "uuid":
        return Encoded(column.astype("V16"), np.full(len(column), 16))
    since = (column.astype("M8[us]") - np.datetime64(_EPOCH.replace(tzinfo=None))).astype(">i8")
    return Encoded(since.view("V8"), np.where(np.isnat(column), _NULL, 8))


def _written(column: Any, write: Callable[[Any], bytes]) -> Encoded:
    texts = [None if value is None else write(value) for value in column]
    lengths = np.array([_NULL if text is None else len(text) for text in texts], np.int64)
    width = max(int(lengths.max(initial=0)), 0)
    if width == 0:
        return _nothing(lengths)
    content = b"".join((text or b"").ljust(width, b"\0") for text in texts)
    return Encoded(np.frombuffer(content, f"V{width}"), lengths)


def _text(value: Any) -> bytes:
    return str(value).encode()


def _moment(value: datetime) -> bytes:
    since = value - _EPOCH
    micros = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return micros.to_bytes(8, "big", signed=True)


_WRITERS: Mapping[str, Callable[[Any], bytes]] = {
    "varchar": _text,
    "text": _text,
    # The form of jsonb begins with its version.
    "jsonb": lambda value: b"\x01" + json.dumps(value, allow_nan=False).encode(),
    "uuid": lambda value: bytes(value.bytes),
    "timestamp with time zone": _moment,
}


def content(columns: Sequence[Encoded], number: int) -> Iterator[bytes]:
    """Join columns to all that a COPY of so many rows is sent."""
    yield _HEADER
    sample = _sample(columns)
    varied = {place: one for place, one in enumerate(columns) if len(one.lengths) > 1}
    for start in range(0, number, _PART):
        rows = slice(start, min(start + _PART, number))
        lines = np.repeat(sample, rows.stop - start)
        yield _filled_in(lines, {place: one.part(rows) for place, one in varied.items()})
    yield _TRAILER


def _sample(columns: Sequence[Encoded]) -> Array:
    """Make the first row, which has what all rows share."""
    row = np.zeros(1, _layout(columns))
    row["columns"] = len(columns)
    for place, one in enumerate(columns):
        row[f"length {place}"] = one.lengths[0]
        if one.width:
            row[f"value {place}"] = one.content[0]
    return row


def _filled_in(lines: Array, columns: Mapping[int, Encoded]) -> bytes:
    """Write each row's own values, by the place of their column, over those of the first row."""
    for place, one in columns.items():
        if (one.lengths != lines[f"length {place}"][0]).any():
            lines[f"length {place}"] = one.lengths
        if one.width:
            lines[f"value {place}"] = one.content
    return _without_filling(lines, columns)


def _layout(columns: Sequence[Encoded]) -> np.dtype[Any]:
    """Give a row's form: the number of columns, then each value behind its length."""
    parts = [("columns", ">i2")]
    for place, one in enumerate(columns):
        parts.append((f"length {place}", ">i4"))
        if one.width:
            parts.append((f"value {place}", f"V{one.width}"))
    return np.dtype(parts)


def _without_filling(lines: Array, columns: Mapping[int, Encoded]) -> bytes:
    """Leave out the bytes that fill short values up."""
    loose = {place: one for place, one in columns.items() if (one.filled < one.width).any()}
    if not loose:
        return lines.tobytes()
    flat = lines.view(np.uint8).reshape(len(lines), -1)
    is_kept, starts = np.ones(flat.shape, bool), dict(lines.dtype.fields or {})
    for place, one in loose.items():
        start = starts[f"value {place}"][1]
        is_kept[:, start : start + one.width] = np.arange(one.width) < one.filled[:, None]
    return flat[is_kept].tobytes()
