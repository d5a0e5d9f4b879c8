"""The certificate of a night as files: one row per candidate, streamed frame by frame."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from curation.certificate import Certificate
from curation.fates import COLUMNS, Row, all_rows


def as_csv(certificate: Certificate) -> Iterator[str]:
    """Write every candidate of a night as a line of CSV, below a line of names."""
    line = io.StringIO()
    writer = csv.writer(line)
    for values in _lines(certificate):
        writer.writerow(values)
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def _lines(certificate: Certificate) -> Iterator[Iterable[Any]]:
    yield COLUMNS
    for row in _rows(certificate):
        yield _plain(row).values()


def as_json(certificate: Certificate) -> Iterator[str]:
    """Write the certificate as one JSON object that ends with the list of its candidates."""
    yield json.dumps(certificate.as_json())[:-1] + ', "rows": ['
    for number, row in enumerate(_rows(certificate)):
        yield (",\n" if number else "\n") + json.dumps(_plain(row), allow_nan=False)
    yield "]}\n"


def _rows(certificate: Certificate) -> Iterator[Row]:
    return all_rows([frame.pk for frame in certificate.frames])


def _plain(row: Row) -> dict[str, Any]:
    values = asdict(row)
    keys = {name: values[name] and str(values[name]) for name in ("candidate", "detection")}
    return values | keys | {"taken_at": row.taken_at.isoformat()}
