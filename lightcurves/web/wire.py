"""A light curve as the page's plot wants it: a head in JSON, then bare numbers.

The content is the length of the head (4 bytes, little endian), the head, spaces up to a multiple
of 8, and columns of numbers, little endian, each from a multiple of 8. Bits of all kinds of flags
are packed anew: only those that are set somewhere, 32 to a column, so that a page can mask by name
whatever their number.
"""

import json
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from astrid.core.array_bytes import Array
from lightcurves.exporting.tables import flags_of, times_of
from lightcurves.models import DataSet, QualityFlagArray

_ALIGNED = 8
_WORD = 32  # bits of a column of flags


def content_of(dataset: DataSet) -> bytes:
    """Give a dataset with times (cadences where there are none) and flags as bytes.

    Parameters
    ----------
    dataset : DataSet
        With arrays and observation fetched along.
    """
    times = times_of(dataset)
    bits = [bit for row in flags_of(dataset) for bit in _bits(row)]
    cadences: Any = dataset.observation.cadence_reference
    values: Any = dataset.values
    errors: Any = dataset.errors
    columns = {
        "x": cadences.astype(np.float64) if times is None else times,
        "value": values,
        "error": errors,
        **{f"flags{number}": word for number, word in enumerate(_packed(bits, dataset.n))},
    }
    named = [{"kind": kind, "name": name, "count": int(is_set.sum()), "harmless": harmless}
             for kind, name, harmless, is_set in bits]  # fmt: skip
    return _written({"n": dataset.n, "timed": times is not None, "bits": named}, columns)


Bit = tuple[str, str, bool, Array]


def _bits(row: QualityFlagArray) -> Iterator[Bit]:
    """Give kind, name, harmlessness and cadences of each bit that is set somewhere."""
    flags: Any = row.quality_flags
    some = int(np.bitwise_or.reduce(flags)) if flags.size else 0
    for place in range(some.bit_length()):
        if some >> place & 1:
            name = row.decode_bits(1 << place)[0]
            harmless = bool(row.HARMLESS >> place & 1)
            yield row.type, name, harmless, (flags >> place & 1).astype(bool)


def _packed(bits: Sequence[Bit], n: int) -> Iterator[Array]:
    """Put bits together, 32 to a word, in their order."""
    for first in range(0, len(bits), _WORD):
        word = np.zeros(n, np.uint32)
        for place, (*_, is_set) in enumerate(bits[first : first + _WORD]):
            word |= is_set.astype(np.uint32) << np.uint32(place)
        yield word


def _written(head: dict[str, Any], columns: dict[str, Array]) -> bytes:
    parts, at = [], 0
    described = []
    for name, array in columns.items():
        plain = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        described.append({"name": name, "dtype": array.dtype.name, "offset": at})
        parts.append(plain + bytes(-len(plain) % _ALIGNED))
        at += len(parts[-1])
    text = json.dumps(head | {"columns": described}).encode()
    text += b" " * (-(4 + len(text)) % _ALIGNED)
    return struct.pack("<I", len(text)) + text + b"".join(parts)
