"""Numpy arrays as a column of a table; `astrid.core.array_stores` says where the numbers lie."""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from django.core import checks
from django.core.exceptions import ValidationError
from django.db import models

from astrid.core.array_bytes import CODECS, DTYPES, RAW, Array, decode, encode
from astrid.core.array_stores import load
from astrid.core.errors import CorruptFile, MissingFile


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
            return load(value)
        except (CorruptFile, MissingFile) as error:
            where = f"{self.model._meta.db_table}.{self.column}"
            raise type(error)(f"{where}: {error}") from error

    def value_to_string(self, obj: models.Model) -> str:
        """Give the value as base64, for fixtures."""
        array = self.to_python(self.value_from_object(obj))
        return "" if array is None else base64.b64encode(encode(array, self.codec)).decode()
