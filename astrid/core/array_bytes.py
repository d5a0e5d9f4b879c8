"""Numpy arrays as bytes.

A stored array is a header that says what follows, then the numbers, little endian::

    magic 4s | dtype u1 | codec u1 | ndim u1 | 0 u1 | header CRC u4 | payload CRC u4
    shape i8 * ndim | payload

The header has a checksum of its own, so that a slice of the payload can be read alone and
still be believed. A vector's raw payload begins at byte 24, a multiple of 8.

Where the numbers lie in a file, the payload is left out and the place of it stands instead;
the checksum of the header reaches over the place::

    header with another magic | SHA-256 of the file 32s | first byte i8
"""

import math
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from astrid.core.errors import CorruptFile

Array = npt.NDArray[Any]
Content = bytes | memoryview

MAGIC, ELSEWHERE = b"AsA1", b"AsR1"
# The header stores the place in this list: new ones go to the end.
DTYPES = ("float64", "float32", "int64", "int32", "bool", "float16")
RAW, SHUFFLE_ZLIB = "raw", "shuffle-zlib"
CODECS = (RAW, SHUFFLE_ZLIB)
_HEAD = struct.Struct("<4sBBBx")
_SUMS = struct.Struct("<II")
_PLACE = struct.Struct("<32sq")
_FIXED = _HEAD.size + _SUMS.size
VECTOR_HEADER = _FIXED + 8
# Level 1: on noise the higher levels cost three to ten times the time for under 1 % of size.
_LEVEL = 1


@dataclass(frozen=True)
class Place:
    """Where numbers lie: a file named by its content, and the first byte of them in it."""

    sha256: str
    first_byte: int


@dataclass(frozen=True)
class Header:
    """What stored bytes say of the array; ``place`` is None where the numbers follow."""

    dtype: np.dtype[Any]
    codec: str
    shape: tuple[int, ...]
    payload_crc: int
    place: Place | None

    @property
    def size(self) -> int:
        """Bytes of the header itself."""
        return _FIXED + 8 * len(self.shape) + (_PLACE.size if self.place else 0)

    @property
    def nbytes(self) -> int:
        """Bytes of the numbers."""
        return math.prod(self.shape) * self.dtype.itemsize


def encode(array: Array, codec: str = RAW) -> bytes:
    """Give an array as bytes, bit for bit: NaN payloads and negative zeros survive.

    Raises
    ------
    ValueError
        If the dtype or the codec is not one of `DTYPES` and `CODECS`.
    """
    if codec not in CODECS:
        raise ValueError(f"codec is {codec!r}; it must be one of {', '.join(CODECS)}")
    plain = little_endian(array)
    payload = plain.tobytes() if codec == RAW else _squeeze(plain)
    return _header(MAGIC, array, codec, zlib.crc32(payload)) + payload


def encode_place(array: Array, place: Place) -> bytes:
    """Give the bytes that stand for an array whose raw numbers lie elsewhere."""
    crc = zlib.crc32(little_endian(array).tobytes())
    tail = _PLACE.pack(bytes.fromhex(place.sha256), place.first_byte)
    return _header(ELSEWHERE, array, RAW, crc, tail)


def little_endian(array: Array) -> Array:
    """Give an array as it is stored: contiguous, little endian.

    Raises
    ------
    ValueError
        If the dtype is not one of `DTYPES`.
    """
    if array.dtype.name not in DTYPES:
        raise ValueError(f"dtype is {array.dtype}; it must be one of {', '.join(DTYPES)}")
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))


def _header(magic: bytes, array: Array, codec: str, payload_crc: int, tail: bytes = b"") -> bytes:
    head = _HEAD.pack(magic, DTYPES.index(array.dtype.name), CODECS.index(codec), array.ndim)
    rest = struct.pack(f"<{array.ndim}q", *array.shape) + tail
    return head + _SUMS.pack(zlib.crc32(rest, zlib.crc32(head)), payload_crc) + rest


def decode(content: Content) -> Array:
    """Give back the array that `encode` wrote, as a writable array of this machine's byte order.

    Raises
    ------
    CorruptFile
        If the bytes are not what was written; the message says which part is wrong.
    """
    content = memoryview(content)
    header = read_header(content)
    payload = content[header.size :]
    if header.place is not None:
        raise CorruptFile("array content is a place in a file; it has no numbers itself")
    if (found := zlib.crc32(payload)) != header.payload_crc:
        raise CorruptFile(
            f"array payload has CRC {found:08x}; {header.payload_crc:08x} was written"
        )
    plain = payload if header.codec == RAW else _expand(payload, header)
    if len(plain) != header.nbytes:
        raise CorruptFile(
            f"array payload has {len(plain)} bytes; {header.dtype} {header.shape} "
            f"needs {header.nbytes}"
        )
    return numbers(plain, header.dtype).reshape(header.shape)


def numbers(plain: Any, dtype: np.dtype[Any]) -> Array:
    """Give stored bytes as a writable vector of this machine's byte order."""
    return np.frombuffer(plain, dtype).astype(dtype.newbyteorder("="))


def read_header(content: Content) -> Header:
    """Read the header of stored bytes and check it.

    Raises
    ------
    CorruptFile
        If it is not what was written.
    """
    if len(content) < _FIXED:
        raise CorruptFile(f"array has {len(content)} bytes; its header alone has {_FIXED}")
    magic, dtype, codec, ndim = _HEAD.unpack_from(content)
    if magic not in (MAGIC, ELSEWHERE):
        raise CorruptFile(f"array begins with {magic!r}; {MAGIC!r} was expected")
    tail = _FIXED + 8 * ndim
    end = tail + (_PLACE.size if magic == ELSEWHERE else 0)
    expected, payload_crc = _SUMS.unpack_from(content, _HEAD.size)
    if (found := zlib.crc32(content[_FIXED:end], zlib.crc32(content[: _HEAD.size]))) != expected:
        raise CorruptFile(f"array header has CRC {found:08x}; {expected:08x} was written")
    if dtype >= len(DTYPES) or codec >= len(CODECS) or len(content) < end:
        raise CorruptFile(
            f"array header has {len(content)} bytes and names dtype {dtype} and codec {codec}: "
            "not known here"
        )
    return Header(
        dtype=np.dtype(DTYPES[dtype]).newbyteorder("<"),
        codec=CODECS[codec],
        shape=struct.unpack_from(f"<{ndim}q", content, _FIXED),
        payload_crc=payload_crc,
        place=_place(content, tail) if magic == ELSEWHERE else None,
    )


def _place(content: Content, start: int) -> Place:
    sha256, first_byte = _PLACE.unpack_from(content, start)
    return Place(sha256.hex(), first_byte)


def decode_part(content: Content, start: int, stop: int) -> Array:
    """Give numbers ``start`` to ``stop`` of a vector from its header and just those numbers.

    A compressed vector cannot be cut: its content must be whole.

    Raises
    ------
    CorruptFile
        If the header is not what was written, or other than those numbers follow.
    """
    header = vector_header(content)
    first, last = within(header.shape[0], start, stop)
    if header.codec != RAW:
        return decode(content)[first:last]
    piece = memoryview(content)[header.size :]
    if len(piece) != (last - first) * header.dtype.itemsize:
        raise CorruptFile(
            f"a slice of {last - first} {header.dtype} has {len(piece)} bytes; the array is cut off"
        )
    return numbers(piece, header.dtype)


def cut(content: Content, start: int, stop: int) -> Content:
    """Keep of a stored vector its header and numbers ``start`` to ``stop``, if they can be cut."""
    header = vector_header(content)
    if header.codec != RAW:
        return content
    first, last = (header.size + n * header.dtype.itemsize for n in (start, stop))
    return bytes(content[: header.size]) + bytes(content[first:last])


def vector_header(content: Content) -> Header:
    """Read the header of a vector.

    Raises
    ------
    ValueError
        If the array has another number of axes.
    """
    header = read_header(content)
    if len(header.shape) != 1:
        raise ValueError(f"array has shape {header.shape}; only a vector has slices")
    return header


def within(length: int, start: int, stop: int) -> tuple[int, int]:
    """Give ``start`` and ``stop`` as they lie within a vector, as Python's slices do.

    Raises
    ------
    ValueError
        If they are not 0 <= start <= stop.
    """
    if not 0 <= start <= stop:
        raise ValueError(f"a slice from {start} to {stop}: both must be counted from the beginning")
    return min(start, length), min(stop, length)


def _squeeze(array: Array) -> bytes:
    """Put the n-th bytes of all numbers side by side, where zlib finds repetition."""
    columns = np.frombuffer(array.tobytes(), np.uint8).reshape(-1, array.itemsize)
    return zlib.compress(columns.T.tobytes(), _LEVEL)


def _expand(payload: memoryview, header: Header) -> bytes:
    try:
        # One byte more than the header promises is enough to know that it lies.
        shuffled = zlib.decompressobj().decompress(payload, header.nbytes + 1)
    except zlib.error as error:
        raise CorruptFile(f"array payload cannot be expanded: {error}") from error
    if len(shuffled) != header.nbytes:
        return shuffled
    return np.frombuffer(shuffled, np.uint8).reshape(header.dtype.itemsize, -1).T.tobytes()
