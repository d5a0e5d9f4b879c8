"""Numpy arrays in a database column.

A stored array is a header that says what follows, then the numbers, little endian::

    magic 4s | dtype u1 | codec u1 | ndim u1 | 0 u1 | header CRC u4 | payload CRC u4
    shape i8 * ndim | payload

The header has a checksum of its own, so that a slice of the payload can be read alone and
still be believed. A vector's raw payload begins at byte 24, a multiple of 8.
"""

import base64
import math
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from django.core import checks
from django.core.exceptions import ValidationError
from django.db import models

from astrid.core.errors import CorruptFile

Array = npt.NDArray[Any]

MAGIC = b"AsA1"
# The header stores the place in this list: new ones go to the end.
DTYPES = ("float64", "float32", "int64", "int32", "bool", "float16")
RAW, SHUFFLE_ZLIB = "raw", "shuffle-zlib"
CODECS = (RAW, SHUFFLE_ZLIB)
_HEAD = struct.Struct("<4sBBBx")
_SUMS = struct.Struct("<II")
_FIXED = _HEAD.size + _SUMS.size
# Level 1: on noise the higher levels cost three to ten times the time for under 1 % of size.
_LEVEL = 1


def encode(array: Array, codec: str = RAW) -> bytes:
    """Give an array as bytes, bit for bit: NaN payloads and negative zeros survive.

    Raises
    ------
    ValueError
        If the dtype or the codec is not one of `DTYPES` and `CODECS`.
    """
    if array.dtype.name not in DTYPES:
        raise ValueError(f"dtype is {array.dtype}; it must be one of {', '.join(DTYPES)}")
    if codec not in CODECS:
        raise ValueError(f"codec is {codec!r}; it must be one of {', '.join(CODECS)}")
    plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    payload = plain.tobytes() if codec == RAW else _squeeze(plain)
    head = _HEAD.pack(MAGIC, DTYPES.index(array.dtype.name), CODECS.index(codec), array.ndim)
    shape = struct.pack(f"<{array.ndim}q", *array.shape)
    sums = _SUMS.pack(zlib.crc32(shape, zlib.crc32(head)), zlib.crc32(payload))
    return b"".join((head, sums, shape, payload))


def decode(content: bytes | memoryview) -> Array:
    """Give back the array that `encode` wrote, as a writable array of this machine's byte order.

    Raises
    ------
    CorruptFile
        If the bytes are not what was written; the message says which part is wrong.
    """
    content = memoryview(content)
    dtype, codec, shape = _read_header(content)
    payload = content[_FIXED + 8 * len(shape) :]
    (expected,) = struct.unpack_from("<I", content, _HEAD.size + 4)
    if (found := zlib.crc32(payload)) != expected:
        raise CorruptFile(f"array payload has CRC {found:08x}; {expected:08x} was written")
    size = math.prod(shape) * dtype.itemsize
    plain = payload if codec == RAW else _expand(payload, size, dtype.itemsize)
    if len(plain) != size:
        raise CorruptFile(f"array payload has {len(plain)} bytes; {dtype} {shape} needs {size}")
    return np.frombuffer(plain, dtype).reshape(shape).astype(dtype.newbyteorder("="))


def _read_header(content: memoryview) -> tuple[np.dtype[Any], str, tuple[int, ...]]:
    if len(content) < _FIXED:
        raise CorruptFile(f"array has {len(content)} bytes; its header alone has {_FIXED}")
    magic, dtype, codec, ndim = _HEAD.unpack_from(content)
    if magic != MAGIC:
        raise CorruptFile(f"array begins with {magic!r}; {MAGIC!r} was expected")
    shape = content[_FIXED : _FIXED + 8 * ndim]
    (expected,) = struct.unpack_from("<I", content, _HEAD.size)
    if (found := zlib.crc32(shape, zlib.crc32(content[: _HEAD.size]))) != expected:
        raise CorruptFile(f"array header has CRC {found:08x}; {expected:08x} was written")
    if dtype >= len(DTYPES) or codec >= len(CODECS):
        raise CorruptFile(f"array header names dtype {dtype} and codec {codec}: not known here")
    return (
        np.dtype(DTYPES[dtype]).newbyteorder("<"),
        CODECS[codec],
        struct.unpack(f"<{ndim}q", shape),
    )


def _squeeze(array: Array) -> bytes:
    """Put the n-th bytes of all numbers side by side, where zlib finds repetition."""
    columns = np.frombuffer(array.tobytes(), np.uint8).reshape(-1, array.itemsize)
    return zlib.compress(columns.T.tobytes(), _LEVEL)


def _expand(payload: memoryview, size: int, itemsize: int) -> bytes:
    try:
        # One byte more than the header promises is enough to know that it lies.
        shuffled = zlib.decompressobj().decompress(payload, size + 1)
    except zlib.error as error:
        raise CorruptFile(f"array payload cannot be expanded: {error}") from error
    if len(shuffled) != size:
        return shuffled
    return np.frombuffer(shuffled, np.uint8).reshape(itemsize, -1).T.tobytes()


def as_array(value: Any, dtypes: Sequence[str], ndim: int) -> Array:
    """Give ``value`` as an array of one of ``dtypes``.

    An array must have one of the dtypes already; a plain sequence becomes the first of them
    if no number changes by that.

    Raises
    ------
    ValueError
        If dtype or number of axes differ, or a number would change.
    """
    array = value if isinstance(value, np.ndarray) else _from_sequence(value, np.dtype(dtypes[0]))
    if array.dtype.name not in dtypes:
        raise ValueError(f"dtype is {array.dtype}; it must be {' or '.join(dtypes)}")
    if array.ndim != ndim:
        raise ValueError(f"array has {array.ndim} axes (shape {array.shape}); it must have {ndim}")
    return array


def _from_sequence(value: Any, dtype: np.dtype[Any]) -> Array:
    natural = np.asarray(value)
    if natural.dtype.kind not in "fiub":
        raise ValueError(f"{type(value).__name__} is not a sequence of numbers")
    with np.errstate(invalid="ignore", over="ignore"):
        array = natural.astype(dtype)
    if not np.array_equal(array, natural, equal_nan=True):
        raise ValueError(
            f"the numbers cannot be kept as {dtype}: first dtype that can is {natural.dtype}"
        )
    return array


class _OnlyNone(tuple[None, ...]):
    """The empty values of an array field; asking whether an array equals b"" has no one answer."""

    __slots__ = ()

    def __contains__(self, value: object) -> bool:
        return value is None


class NumpyArrayField(models.BinaryField):
    """A numpy array with a checked dtype and number of axes.

    Parameters
    ----------
    dtypes : sequence of str
        What may be stored; a plain sequence of numbers becomes the first of them.
    ndim : int
        Number of axes.
    codec : {"raw", "shuffle-zlib"}
        How new values are written; any codec is read.
    """

    description = "A numpy array"
    empty_strings_allowed = False
    empty_values = _OnlyNone((None,))

    def __init__(
        self,
        *args: Any,
        dtypes: Sequence[str] = ("float64",),
        ndim: int = 1,
        codec: str = RAW,
        **options: Any,
    ) -> None:
        self.dtypes, self.ndim, self.codec = tuple(dtypes), ndim, codec
        super().__init__(*args, **options)

    def deconstruct(self) -> Any:
        """Name the arguments for migrations."""
        name, path, args, options = super().deconstruct()
        return (
            name,
            path,
            args,
            options
            | {
                "dtypes": self.dtypes,
                "ndim": self.ndim,
                "codec": self.codec,
            },
        )

    def check(self, **options: Any) -> list[checks.CheckMessage]:
        """Refuse dtypes and codecs that cannot be stored."""
        unknown = [name for name in self.dtypes if name not in DTYPES]
        if self.codec not in CODECS:
            unknown.append(self.codec)
        wrong = [
            checks.Error(f"{name!r} cannot be stored", obj=self, id="arrays.E001")
            for name in unknown
        ]
        return [*super().check(**options), *wrong]

    def get_default(self) -> Any:
        """Give the default; None where there is none, never b""."""
        return self._get_default()  # type: ignore[attr-defined]

    def to_python(self, value: Any) -> Array | None:
        """Give the value as an array; text is what fixtures hold, base64."""
        if value is None:
            return None
        try:
            if isinstance(value, str):
                value = decode(base64.b64decode(value, validate=True))
            return as_array(value, self.dtypes, self.ndim)
        except (ValueError, CorruptFile) as error:
            raise ValidationError(f"{self.name}: {error}") from error

    def pre_save(self, model_instance: models.Model, add: bool) -> Array | None:
        """Give the array that is written, and leave just that on the row."""
        array = self.to_python(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, array)
        return array

    def get_prep_value(self, value: Any) -> Any:
        """Give the bytes; expressions pass through."""
        value = super().get_prep_value(value)
        if value is None or hasattr(value, "resolve_expression"):
            return value
        array = self.to_python(value)
        return None if array is None else encode(array, self.codec)

    def from_db_value(self, value: Any, *_: Any) -> Array | None:
        """Give the array, or raise CorruptFile naming the column."""
        if value is None:
            return None
        try:
            return decode(value)
        except CorruptFile as error:
            raise CorruptFile(f"{self.model._meta.db_table}.{self.column}: {error}") from error

    def value_to_string(self, obj: models.Model) -> str:
        """Give the value as base64, for fixtures."""
        array = self.to_python(self.value_from_object(obj))
        return "" if array is None else base64.b64encode(encode(array, self.codec)).decode()
