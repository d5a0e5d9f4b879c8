"""Slices of array columns, cut out by the database."""

from typing import Any

from django.db import models
from django.db.models import F, Func, Value

from astrid.core.array_bytes import Array, within
from astrid.core.array_stores import load_part


class _Part(models.BinaryField):
    """A slice as it comes from the database."""

    def __init__(self, start: int, stop: int) -> None:
        super().__init__()
        self.bounds = start, stop

    def from_db_value(self, value: Any, *_: Any) -> Array | None:
        """Give the numbers."""
        return None if value is None else load_part(value, *self.bounds)


class ArraySlice(Func):
    """Numbers ``start`` to ``stop`` of an array column, as ``ArraySlice("values", 0, 100)``.

    Vectors only. What is compressed is sent whole and cut here; what lies in a shard is read
    from there.

    Raises
    ------
    ValueError
        If not 0 <= start <= stop.
    """

    function = "lightcurves_cut"

    def __init__(self, column: str, start: int, stop: int) -> None:
        within(stop, start, stop)
        # A column holds at most 1 GB, so no vector has a number behind this one.
        bounds = (Value(min(bound, 2**27)) for bound in (start, stop))
        super().__init__(F(column), *bounds, output_field=_Part(start, stop))
