"""Tables of any length, read some rows at a time."""

import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
from astropy.io import fits
from astropy.table import Table
from pyarrow import parquet

from observations.fits_blocks import quiet_astropy
from preprocessing.photometry.star_catalog import kind_of, read_table
from preprocessing.photometry.votable_parts import votable_parts

ROWS = 50_000
_TABLES = fits.BinTableHDU | fits.TableHDU


def parts(path: Path, rows: int = ROWS) -> Iterator[Table]:
    """Give a table some rows at a time, so that memory does not grow with its file.

    Parameters
    ----------
    path : path
        CSV, ECSV, VOTable, FITS or Parquet, told by its first bytes. Without rows, it gives one
        table that has none.
    rows : int
        Of each part, at the most.

    Raises
    ------
    ValueError
        If it cannot be read.
    """
    with path.open("rb") as file:
        kind = kind_of(file.read(64))
        file.seek(0)
        if kind == "votable":
            found = votable_parts(file, rows)
        elif kind == "parquet":
            found = _parquet_parts(file, path.name, rows)
        elif kind == "fits":
            yield from _fits_parts(path, rows)
            return
        else:
            found = _text_parts(file, rows)
        for content in found:
            yield read_table(content, path.name)


def _text_parts(file: BinaryIO, rows: int) -> Iterator[bytes]:
    """Give the head of a table of text with some of its lines, again and again."""
    head = b""
    for line in file:
        head += line
        if line.strip() and not line.startswith(b"#"):
            break
    while lines := _whole_rows(file, rows):
        yield head + lines
        head = head if head.endswith(b"\n") else head + b"\n"
    if file.tell() <= len(head):
        yield head


def _whole_rows(file: BinaryIO, rows: int) -> bytes:
    """Read lines, and more of them where a text in quotes goes on."""
    found = b"".join(islice(file, rows))
    while found.count(b'"') % 2 and (more := file.readline()):
        found += more
    return found


def _parquet_parts(file: BinaryIO, name: str, rows: int) -> Iterator[bytes]:
    try:
        whole = parquet.ParquetFile(file)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{name} cannot be read as parquet: {error}") from error
    schema = whole.schema_arrow
    batches = whole.iter_batches(batch_size=rows) if whole.metadata.num_rows else [None]
    for batch in batches:
        stream = io.BytesIO()
        part = schema.empty_table() if batch is None else pa.Table.from_batches([batch], schema)
        parquet.write_table(part, stream, compression="none")
        yield stream.getvalue()


def _fits_parts(path: Path, rows: int) -> Iterator[Table]:
    try:
        with quiet_astropy():
            units = fits.open(path, memmap=True)
    except (OSError, TypeError) as error:
        raise ValueError(f"{path.name} cannot be read as FITS: {error}") from error
    with units:
        unit = next((each for each in units if isinstance(each, _TABLES)), None)
        if unit is None:
            raise ValueError(f"{path.name} is FITS without a table")
        for start in range(0, max(len(unit.data), 1), rows):
            with quiet_astropy():
                part = Table.read(type(unit)(unit.data[start : start + rows], unit.header))
            yield part
