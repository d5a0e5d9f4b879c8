"""Types of the database as types of VOTable, and values as answers write them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from catalog.vo.adql.schema import Column
from catalog.vo.adql.scope import Output

# By the number under which PostgreSQL knows a type: datatype, arraysize, xtype.
_TEXT = ("char", "*", "")
_KINDS: Mapping[int, tuple[str, str, str]] = {
    16: ("boolean", "", ""),
    20: ("long", "", ""),
    21: ("short", "", ""),
    23: ("int", "", ""),
    700: ("float", "", ""),
    701: ("double", "", ""),
    1700: ("double", "", ""),  # numeric: sums and averages of whole numbers
    2950: ("char", "36", ""),  # uuid
    1082: ("char", "*", "timestamp"),
    1114: ("char", "*", "timestamp"),
    1184: ("char", "*", "timestamp"),
}


def column_of(output: Output, kind: int) -> Column:
    """Describe a column of an answer: by what was published of it, with the type that it has."""
    datatype, arraysize, xtype = _KINDS.get(kind, _TEXT)
    known = output.about or Column(output.label, datatype)
    return replace(
        known,
        name=output.label,
        datatype=datatype,
        arraysize=arraysize,
        xtype=xtype or (known.xtype if datatype == "char" else ""),
        unit="" if datatype == "char" else known.unit,
    )


def written(value: Any) -> Any:
    """Give a value as text formats write it; numbers, truth values and None stay."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(timespec="milliseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict | list):
        return json.dumps(value)
    return str(value)


def number(value: Any) -> Any:
    """Give a number that may be a Decimal as one of the machine."""
    return None if value is None else float(value)


def converter(column: Column) -> Callable[[Any], Any]:
    """Give what makes a column's values plain: numbers, truth values, texts or None."""
    if column.datatype in ("double", "float"):
        return number
    return written
