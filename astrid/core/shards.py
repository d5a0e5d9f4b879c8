"""Files of many vectors of one length and dtype: npy stacks under the name of their content.

``numpy.load`` reads such a file without this program.
"""

import io
import os
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.core.files.storage import storages

from astrid.core import store
from astrid.core.array_bytes import (
    Array,
    Header,
    Place,
    encode_place,
    little_endian,
    numbers,
    within,
)
from astrid.core.errors import CorruptFile, MissingFile

# A shard is made in memory and, from a bucket, fetched as a whole.
SHARD_BYTES = 64 * 2**20
_OPEN_SHARDS = 256


def put(vectors: Sequence[Array]) -> list[bytes]:
    """Write vectors into as few shards as their dtypes, lengths and `SHARD_BYTES` allow.

    Returns
    -------
    list of bytes
        What stands for each of the vectors, in their order.

    Raises
    ------
    ValueError
        If an array is no vector, or has a dtype that cannot be stored.
    """
    found: dict[int, bytes] = {}
    for places in _alike(vectors):
        found |= zip(places, _put_stack([vectors[n] for n in places]), strict=True)
    return [found[n] for n in range(len(vectors))]


def _alike(vectors: Sequence[Array]) -> Iterator[list[int]]:
    """Give the indices of vectors that can share a shard, as many as fill one."""

    def kind(n: int) -> tuple[str, int]:
        if vectors[n].ndim != 1:
            raise ValueError(f"array has shape {vectors[n].shape}; a shard holds vectors")
        return vectors[n].dtype.name, vectors[n].size

    for _, alike in groupby(sorted(range(len(vectors)), key=kind), key=kind):
        places = list(alike)
        many = max(1, SHARD_BYTES // max(vectors[places[0]].nbytes, 1))
        yield from (places[n : n + many] for n in range(0, len(places), many))


def _put_stack(vectors: Sequence[Array]) -> list[bytes]:
    stack = np.stack([little_endian(vector) for vector in vectors])
    content = io.BytesIO()
    np.lib.format.write_array(content, stack, allow_pickle=False)
    first, step = content.tell() - stack.nbytes, stack[0].nbytes
    sha256 = store.put(content.getvalue()).rpartition("/")[2]
    return [
        encode_place(vector, Place(sha256, first + n * step)) for n, vector in enumerate(vectors)
    ]


def get(header: Header) -> Array:
    """Read the vector that a header tells the place of; its checksum is compared once per process.

    Raises
    ------
    MissingFile
        If the shard is gone.
    CorruptFile
        If the numbers are not what was written.
    """
    piece, shard, place = _numbers_of(header)
    if place.first_byte not in shard.checked:
        if (found := zlib.crc32(piece)) != header.payload_crc:
            raise CorruptFile(
                f"shard {place.sha256} has numbers of CRC {found:08x} at byte {place.first_byte}; "
                f"{header.payload_crc:08x} was written: restore it from a backup"
            )
        shard.checked.add(place.first_byte)
    return numbers(piece, header.dtype)


def part(header: Header, start: int, stop: int) -> Array:
    """Read numbers ``start`` to ``stop`` only, without the checksum of the whole.

    Raises
    ------
    MissingFile, CorruptFile
        If the shard is gone or cut off.
    """
    first, last = within(header.shape[0], start, stop)
    width = header.dtype.itemsize
    return numbers(_numbers_of(header)[0][first * width : last * width], header.dtype)


@dataclass(frozen=True)
class _Shard:
    """An open shard, and which of its vectors this process has checked."""

    content: npt.NDArray[np.uint8]
    checked: set[int] = field(default_factory=set)


def _numbers_of(header: Header) -> tuple[Any, _Shard, Place]:
    place = header.place
    if place is None:
        raise ValueError("the header tells no place in a shard")
    shard = _open(str(_local(store.name_of(place.sha256))))
    end = place.first_byte + header.nbytes
    if end > shard.content.size:
        raise CorruptFile(
            f"shard {place.sha256} has {shard.content.size} bytes; a vector ends at {end}: "
            "restore it from a backup"
        )
    return shard.content[place.first_byte : end], shard, place


@lru_cache(maxsize=_OPEN_SHARDS)
def _open(path: str) -> _Shard:
    try:
        return _Shard(np.memmap(path, np.uint8, mode="r"))
    except FileNotFoundError as error:
        raise MissingFile(f"shard {path} is gone; restore it from a backup") from error
    except ValueError as error:  # an empty file cannot be mapped
        raise CorruptFile(f"shard {path} is empty; restore it from a backup") from error


def forget() -> None:
    """Close the shards this process has open, and check their vectors again on the next read."""
    _open.cache_clear()


def _local(name: str) -> Path:
    """Give a stored file as a local one: from a bucket it is fetched once, and checked."""
    try:
        return Path(storages[store.ALIAS].path(name))
    except NotImplementedError:
        kept = Path(settings.STATE) / "shards" / name
        if not kept.exists():
            _keep(kept, store.get(name))
        return kept


def _keep(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    with os.fdopen(handle, "wb") as target:
        target.write(content)
    Path(partial).replace(path)
