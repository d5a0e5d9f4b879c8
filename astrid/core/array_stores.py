"""Where the numbers of array columns lie: in the row itself, or in shards beside the database.

A store turns arrays into what their column holds, and back. What a column holds says itself
which store wrote it, so rows of one table may lie in different stores.
"""

from collections.abc import Sequence
from typing import Protocol

from astrid.core import shards
from astrid.core.array_bytes import (
    RAW,
    SHUFFLE_ZLIB,
    Array,
    Content,
    cut,
    decode,
    decode_part,
    encode,
    read_header,
    vector_header,
)


class ArrayStore(Protocol):
    """A place for arrays."""

    def put(self, arrays: Sequence[Array]) -> list[bytes]:
        """Store arrays; give what their column is to hold, one for each.

        Raises
        ------
        ValueError
            If the dtype of one cannot be stored.
        """

    def get(self, held: Content) -> Array:
        """Give the array that a column holds.

        Raises
        ------
        CorruptFile
            If the numbers are not what was written.
        MissingFile
            If they are gone.
        """

    def part(self, held: Content, start: int, stop: int) -> Array:
        """Give numbers ``start`` to ``stop`` of a vector, as Python's slices do.

        Raises
        ------
        ValueError
            If they are not 0 <= start <= stop, or the array is no vector.
        CorruptFile, MissingFile
            As `get`.
        """

    def has(self, held: Content) -> bool:
        """Tell whether this store wrote what a column holds."""


class DatabaseStore:
    """Numbers in the row itself."""

    def __init__(self, codec: str) -> None:
        self.codec = codec

    def put(self, arrays: Sequence[Array]) -> list[bytes]:
        """Give each array's header and numbers."""
        return [encode(array, self.codec) for array in arrays]

    def get(self, held: Content) -> Array:
        """Read the numbers behind the header."""
        return decode(held)

    def part(self, held: Content, start: int, stop: int) -> Array:
        """Read some of the numbers; a query can let the database cut them out."""
        return decode_part(cut(held, start, stop), start, stop)

    def has(self, held: Content) -> bool:
        """Tell whether numbers follow the header, in this store's codec."""
        header = read_header(held)
        return header.place is None and header.codec == self.codec


class ShardStore:
    """Numbers in files of many vectors, which the row names."""

    def put(self, arrays: Sequence[Array]) -> list[bytes]:
        """Write shards; give where in them each array lies."""
        return shards.put(arrays)

    def get(self, held: Content) -> Array:
        """Read a vector from its shard."""
        return shards.get(vector_header(held))

    def part(self, held: Content, start: int, stop: int) -> Array:
        """Read some of a vector from its shard."""
        return shards.part(vector_header(held), start, stop)

    def has(self, held: Content) -> bool:
        """Tell whether the column holds a place in a shard."""
        return read_header(held).place is not None


STORES: dict[str, ArrayStore] = {
    "database": DatabaseStore(RAW),
    "packed": DatabaseStore(SHUFFLE_ZLIB),
    "shards": ShardStore(),
}


def load(held: Content) -> Array:
    """Give the array that a column holds, wherever its numbers lie.

    Raises
    ------
    CorruptFile, MissingFile
        If the numbers are not what was written, or gone.
    """
    return _store_of(held).get(held)


def load_part(held: Content, start: int, stop: int) -> Array:
    """Give numbers ``start`` to ``stop``, from what a slice of a column selects.

    Raises
    ------
    CorruptFile, MissingFile
        If the numbers are not what was written, or gone.
    """
    if read_header(held).place is None:
        return decode_part(held, start, stop)
    return STORES["shards"].part(held, start, stop)


def _store_of(held: Content) -> ArrayStore:
    return STORES["shards" if read_header(held).place is not None else "database"]
