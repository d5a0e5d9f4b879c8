"""Many light curves in one stream of Arrow or Parquet, a part at a time.

References
----------
Apache Arrow Columnar Format, section "Serialization and Interprocess Communication (IPC)".
"""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from astrid import __version__
from astrid.core.array_bytes import Array
from lightcurves.exporting.bulk_columns import FACTS, LIST, Shape, choose
from lightcurves.exporting.bulk_rows import POINTS, Row, Selection, one_moment

Writer = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class BulkFormat:
    """A way to write record batches."""

    ending: str
    content_type: str
    writer: Writer


def _parquet_writer(sink: Any, schema: Any) -> Any:
    return pq.ParquetWriter(sink, schema, compression="zstd")


BULK_FORMATS = {
    "arrow": BulkFormat("arrows", "application/vnd.apache.arrow.stream", pa.ipc.new_stream),
    "parquet": BulkFormat("parquet", "application/vnd.apache.parquet", _parquet_writer),
}


class Sink(io.RawIOBase):
    """What a writer writes into, taken away as it comes."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[bytes] = []
        self.written = 0

    def writable(self) -> bool:
        """Say so."""
        return True

    def write(self, content: Any, /) -> int:
        """Keep some bytes."""
        part = bytes(content)
        self.parts.append(part)
        self.written += len(part)
        return len(part)

    def tell(self) -> int:
        """Give how many bytes there were in all."""
        return self.written

    def take(self) -> bytes:
        """Give what came since last time."""
        found = b"".join(self.parts)
        self.parts.clear()
        return found


def shape_of(selection: Selection, layout: str, wanted: Sequence[str]) -> Shape:
    """Give what an answer will look like.

    Raises
    ------
    ValueError
        If layout or a column is not known.
    """
    rows, _ = selection.size()
    if not rows:
        return choose(layout, wanted, [], pa.float64())
    return choose(layout, wanted, selection.flag_kinds(), selection.value_type())


def stream(selection: Selection, shape: Shape, file_format: str) -> Iterator[bytes]:
    """Write light curves; a constant number of queries, and few curves in memory.

    Parameters
    ----------
    file_format : {"arrow", "parquet"}
    """
    sink = Sink()
    schema = shape.schema({"astrid": f"AstrID {__version__}", "layout": shape.layout})
    with one_moment(), BULK_FORMATS[file_format].writer(sink, schema) as writer:
        for batch in batches(selection, shape, schema):
            writer.write_batch(batch)
            yield sink.take()
    yield sink.take()


def batches(selection: Selection, shape: Shape, schema: Any) -> Iterator[Any]:
    """Give record batches of at most `POINTS` points, or one curve."""
    rows, longest = selection.size()
    if not rows:
        return
    words = selection.words()
    together, points = list[Row](), 0
    for row in selection.rows(shape, longest):
        if together and points + row.n > POINTS:
            yield batch_of(together, shape, schema, words)
            together, points = [], 0
        together.append(row)
        points += row.n
    yield batch_of(together, shape, schema, words)


def batch_of(rows: Sequence[Row], shape: Shape, schema: Any, words: dict[str, list[str]]) -> Any:
    """Put light curves into one record batch."""
    lengths = np.array([row.n for row in rows])
    repeats = None if shape.layout == LIST else lengths
    facts = [
        _fact(name, [row.facts[place] for row in rows], repeats, words)
        for place, name in enumerate(shape.facts)
    ]
    numbers = [_numbers(name, rows, shape, lengths) for name in shape.arrays]
    return pa.record_batch([*facts, *numbers], schema=schema)


def _fact(name: str, values: Sequence[Any], repeats: Any, words: dict[str, list[str]]) -> Any:
    """Give a column of one value per curve: repeated for each point where rows are points."""
    kind = FACTS[name][1]
    if kind == pa.string():
        places = {word: place for place, word in enumerate(words[name])}
        indices = np.array([places[value] for value in values], np.int32)
        indices = indices if repeats is None else np.repeat(indices, repeats)
        return pa.DictionaryArray.from_arrays(pa.array(indices), pa.array(words[name], kind))
    array = pa.array(values, kind)
    if repeats is None:
        return array
    return array.take(pa.array(np.repeat(np.arange(len(values)), repeats)))


def _numbers(name: str, rows: Sequence[Row], shape: Shape, lengths: Array) -> Any:
    """Give a column of arrays; those that are missing are null, as a list or point by point."""
    kind = shape.number_type(name)
    arrays = [row.arrays[name] for row in rows]
    missing = np.array([array is None for array in arrays])
    dtype = kind.to_pandas_dtype()
    if shape.layout != LIST:
        filled = [
            np.zeros(n, dtype) if array is None else array
            for array, n in zip(arrays, lengths, strict=True)
        ]
        mask = np.repeat(missing, lengths) if missing.any() else None
        return pa.array(_joined(filled, dtype), kind, mask=mask)
    there = [array for array in arrays if array is not None]
    offsets = np.concatenate([[0], np.cumsum(np.where(missing, 0, lengths))]).astype(np.int32)
    return pa.ListArray.from_arrays(
        pa.array(offsets), pa.array(_joined(there, dtype), kind), mask=pa.array(missing)
    )


def _joined(arrays: Sequence[Array], dtype: Any) -> Array:
    return np.concatenate(arrays).astype(dtype, copy=False) if arrays else np.zeros(0, dtype)
