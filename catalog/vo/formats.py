"""Answers as files: VOTable in two ways, CSV, TSV and JSON."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from astropy.io.votable.tree import Resource

from catalog.vo import votable
from catalog.vo.answers import Answer
from catalog.vo.errors import WrongType
from catalog.vo.types import converter

VOTABLE = "application/x-votable+xml"
_NAMES: Mapping[str, str] = {
    "": "binary2",
    "votable": "binary2",
    VOTABLE: "binary2",
    "application/xml": "tabledata",
    "text/xml": "tabledata",
    "votable/td": "tabledata",
    "votable/b2": "binary2",
    f"{VOTABLE};serialization=tabledata": "tabledata",
    f"{VOTABLE};serialization=binary2": "binary2",
    "csv": "csv",
    "text/csv": "csv",
    "text/csv;header=present": "csv",
    "tsv": "tsv",
    "text/tab-separated-values": "tsv",
    "json": "json",
    "application/json": "json",
}
TYPES: Mapping[str, str] = {
    "tabledata": f"{VOTABLE};serialization=TABLEDATA",
    "binary2": f"{VOTABLE};serialization=BINARY2",
    "csv": "text/csv;header=present;charset=utf-8",
    "tsv": "text/tab-separated-values;charset=utf-8",
    "json": "application/json",
}
ENDINGS: Mapping[str, str] = {
    "tabledata": "vot",
    "binary2": "vot",
    "csv": "csv",
    "tsv": "tsv",
    "json": "json",
}


def chosen(text: str, default: str = "binary2") -> str:
    """Give the format that a name or content type means.

    Raises
    ------
    WrongType
        If answers are not written so.
    """
    key = text.replace(" ", "").lower()
    if not key:
        return default
    if key not in _NAMES:
        known = ", ".join(sorted(each for each in _NAMES if each))
        raise WrongType(f"format {text[:60]!r} is not served; there are {known}")
    return _NAMES[key]


def written(
    answer: Answer,
    name: str,
    *,
    infos: Mapping[str, str] | None = None,
    extras: Sequence[Resource] = (),
) -> bytes:
    """Write an answer in a format that :func:`chosen` gave."""
    if name in ("tabledata", "binary2"):
        return votable.table(
            answer.columns,
            answer.rows,
            serialization=name,
            infos=infos,
            is_cut=answer.is_cut,
            extras=extras,
        )
    if name == "json":
        return _json(answer)
    return _separated(answer, "," if name == "csv" else "\t")


def _plain(answer: Answer) -> list[list[Any]]:
    converters = [converter(each) for each in answer.columns]
    return [
        [convert(value) for convert, value in zip(converters, row, strict=True)]
        for row in answer.rows
    ]


def _separated(answer: Answer, separator: str) -> bytes:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=separator, lineterminator="\r\n")
    writer.writerow([each.name for each in answer.columns])
    writer.writerows(_plain(answer))
    return stream.getvalue().encode()


def _json(answer: Answer) -> bytes:
    columns = [
        {name: value for name, value in asdict(each).items() if value and name in _TOLD}
        for each in answer.columns
    ]
    rows = [[_number(value) for value in row] for row in _plain(answer)]
    content = {"columns": columns, "rows": rows, "overflow": answer.is_cut}
    return json.dumps(content, allow_nan=False).encode()


_TOLD = ("name", "datatype", "arraysize", "xtype", "unit", "ucd", "utype", "description")


def _number(value: Any) -> Any:
    # JSON has neither NaN nor infinity.
    return None if isinstance(value, float) and not math.isfinite(value) else value
