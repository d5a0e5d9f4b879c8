"""Answers as VOTable.

Reference: Ochsenbein et al. 2019, VOTable Format Definition 1.4, IVOA Recommendation.
"""

import io
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
from astropy.io.votable.tree import (
    CooSys,
    Field,
    Info,
    Param,
    Resource,
    TableElement,
    TimeSys,
    VOTableFile,
)

from catalog.vo.adql.schema import Column
from catalog.vo.types import converter

VERSION = "1.4"
TABLEDATA, BINARY2 = "tabledata", "binary2"
COOSYS, TIMESYS = "icrs", "utc"
RESOURCES = ("datalink", "neighbours", "soda")  # services that an answer describes
_MJD_ORIGIN = 2400000.5  # in Julian days
_DTYPES: Mapping[str, str] = {
    "boolean": "bool",
    "short": "int16",
    "int": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
}
# A number that stands for none where a format has no other way.
_NULLS = {"short": -(2**15), "int": -(2**31), "long": -(2**63)}


def table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Any]],
    *,
    serialization: str = TABLEDATA,
    infos: Mapping[str, str] | None = None,
    is_cut: bool = False,
    extras: Sequence[Resource] = (),
    params: Sequence[tuple[Column, Any]] = (),
) -> bytes:
    """Write rows; ``infos`` say where they come from, ``extras`` follow them."""
    document, resource = _document()
    resource.infos.append(_info("QUERY_STATUS", "OVERFLOW" if is_cut else "OK"))
    for name, content in (infos or {}).items():
        resource.infos.append(_info(name, content))
    _declare_systems(resource, {_system(each) for each in columns})
    element = TableElement(document)
    element.format = serialization
    resource.tables.append(element)
    fill(document, element, columns, rows)
    resource.params.extend(_param(document, column, given) for column, given in params)
    document.resources.extend(extras)
    return _bytes(document)


def _declare_systems(resource: Resource, used: AbstractSet[str | None]) -> None:
    """Describe the systems that columns refer to."""
    if COOSYS in used:
        resource.coordinate_systems.append(CooSys(ID=COOSYS, system="ICRS"))
    if TIMESYS in used:
        moments = TimeSys(
            ID=TIMESYS,
            timescale="UTC",
            refposition="TOPOCENTER",
            timeorigin=_MJD_ORIGIN,
            config={"version_1_4_or_later": True},
        )
        resource.time_systems.append(moments)


def error(message: str, *, names: Sequence[str] = ()) -> bytes:
    """Write why there is no answer; ``names`` are those under which a protocol looks for it."""
    document, resource = _document()
    info = _info("QUERY_STATUS", "ERROR")
    info.content = clean(message)
    resource.infos.append(info)
    resource.infos.extend(Info(ID=name, name=name, value=clean(message)) for name in names)
    return _bytes(document)


def fill(
    document: VOTableFile,
    element: TableElement,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Any]],
) -> None:
    """Put columns and rows into a table."""
    values = [
        [convert(row[place]) for row in rows]
        for place, convert in enumerate(converter(each) for each in columns)
    ]
    names = distinct([each.name for each in columns])
    for column, name, key, given in zip(columns, names, keys(names), values, strict=True):
        element.fields.append(_field(document, column, name, key, given))
    element.create_arrays(len(rows))
    for number, (column, given) in enumerate(zip(columns, values, strict=True)):
        data, mask = _array(column, given)
        name = element.array.dtype.names[number]
        element.array.data[name] = data
        element.array.mask[name] = mask


def _document() -> tuple[VOTableFile, Resource]:
    document = VOTableFile(version=VERSION)
    resource = Resource(type="results")
    document.resources.append(resource)
    return document, resource


def _info(name: str, value: str) -> Info:
    return Info(name=name, value=clean(value))


def clean(text: str) -> str:
    """Leave out what XML cannot say."""
    return "".join(c if c in "\t\n" or " " <= c < "\ud800" or c > "\udfff" else "?" for c in text)


def distinct(names: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    """Give each column a name of its own, which is none of those that are taken."""
    made = list(taken)
    for name in names:
        number, new = 2, clean(name)
        while new in made:
            new, number = f"{name}_{number}", number + 1
        made.append(new)
    return made[len(taken) :]


def keys(names: Sequence[str]) -> list[str]:
    """Give each column an ID of XML like its name: astropy calls columns by it."""
    plain = (re.sub(r"[^A-Za-z0-9_.-]", "_", each) for each in distinct(names))
    letters = [each if re.match("[A-Za-z_]", each) else f"_{each}" for each in plain]
    return distinct(letters, (COOSYS, TIMESYS, *RESOURCES))


def _field(
    document: VOTableFile, column: Column, name: str, key: str, values: Sequence[Any]
) -> Field:
    datatype = column.datatype
    if datatype == "char" and not all(each is None or each.isascii() for each in values):
        datatype = "unicodeChar"
    made = Field(
        document,
        ID=key,
        name=name,
        datatype=datatype,
        arraysize=column.arraysize or None,
        ucd=column.ucd or None,
        unit=column.unit or None,
        utype=column.utype or None,
        xtype=column.xtype or None,
        ref=_system(column),
    )
    made.description = column.description or None
    if datatype in _NULLS and any(each is None for each in values):
        made.values.null = _NULLS[datatype]
    return made


def _system(column: Column) -> str | None:
    if column.ucd.lower().replace("_", ".").startswith(("pos.eq", "pos.outline")):
        return COOSYS
    # Moments as text carry their own origin; only days count from that of the time system.
    return TIMESYS if column.ucd.startswith("time.") and column.unit == "d" else None


def _array(column: Column, values: Sequence[Any]) -> tuple[Any, Any]:
    mask = np.fromiter((each is None for each in values), bool, len(values))
    if column.datatype not in _DTYPES:
        made = np.empty(len(values), object)
        made[:] = ["" if each is None else clean(each) for each in values]
        return made, mask
    dtype = np.dtype(_DTYPES[column.datatype])
    none = np.nan if dtype.kind == "f" else _NULLS.get(column.datatype, False)
    filled = [none if each is None else each for each in values]
    return np.array(filled, dtype), mask


def _param(document: VOTableFile, column: Column, value: Any) -> Param:
    made = Param(
        document,
        ID=column.name,
        name=column.name,
        datatype=column.datatype,
        arraysize=column.arraysize or None,
        ucd=column.ucd or None,
        unit=column.unit or None,
        value=value,
    )
    made.description = column.description or None
    return made


def _bytes(document: VOTableFile) -> bytes:
    stream = io.BytesIO()
    document.to_xml(stream)
    return stream.getvalue()
