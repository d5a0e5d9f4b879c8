"""Slices of array columns, cut out by the database."""

from typing import Any

from django.db import models
from django.db.models import F, Func

from astrid.core.array_bytes import DTYPES, ELSEWHERE, VECTOR_HEADER, Array, within
from astrid.core.array_stores import load_part

_WIDTHS = {"float64": 8, "float32": 4, "int64": 8, "int32": 4, "bool": 1, "float16": 2}
_WIDTH = " ".join(f"WHEN {n} THEN {_WIDTHS[name]}" for n, name in enumerate(DTYPES))
# A header of a few bytes says what to cut: an external column reads only the pieces it needs.
_CUT = f"""
CASE WHEN substring({{c}} from 1 for 4) = '\\x{ELSEWHERE.hex()}'::bytea
       OR get_byte(substring({{c}} from 6 for 1), 0) <> 0
     THEN {{c}}
     ELSE substring({{c}} from 1 for {VECTOR_HEADER}) || substring({{c}}
        from 1 + {VECTOR_HEADER} + %s * {{w}} for (%s - %s) * {{w}})
END"""


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

    def __init__(self, column: str, start: int, stop: int) -> None:
        within(stop, start, stop)
        super().__init__(F(column), output_field=_Part(start, stop))
        self.bounds = start, stop

    def as_sql(  # type: ignore[override]  # a template of its own
        self, compiler: Any, connection: Any, **_: Any
    ) -> Any:
        """Cut the column, or give what cannot be cut whole."""
        column, parameters = compiler.compile(self.get_source_expressions()[0])
        if parameters:
            raise ValueError(f"{column} is no column; only a column has slices")
        start, stop = self.bounds
        width = f"(CASE get_byte(substring({column} from 5 for 1), 0) {_WIDTH} END)"
        return _CUT.format(c=column, w=width), [start, stop, start]
