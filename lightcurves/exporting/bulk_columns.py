"""Which columns a bulk answer has, and of which types."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

LIST, LONG = "list", "long"
LAYOUTS = (LIST, LONG)
# name: SQL of the column and its type; those of text are dictionaries.
FACTS: Mapping[str, tuple[str, Any]] = {
    "dataset": ("d.id", pa.int32()),
    "target": ("d.target_id", pa.int64()),
    "observation": ("d.observation_id", pa.int32()),
    "name": ("t.name", pa.int64()),
    "ra": ("t.ra", pa.float64()),
    "dec": ("t.dec", pa.float64()),
    "n": ("d.n", pa.int32()),
    "catalog": ("c.name", pa.string()),
    "mission": ("m.name", pa.string()),
    "time_format": ("m.time_format_name", pa.string()),
    "kind": ("o.type", pa.string()),
    "source": ("coalesce(s.name, '')", pa.string()),
    "method": ("coalesce(p.name, '')", pa.string()),
    "unit": ("d.unit", pa.string()),
}
NUMBERS = ("cadence", "time", "value", "error")
_DEFAULT_FACTS = {
    LIST: tuple(FACTS),
    LONG: ("dataset", "target"),
}


@dataclass(frozen=True)
class Shape:
    """What an answer looks like.

    Attributes
    ----------
    layout : {"list", "long"}
        A row per light curve, with lists; or a row per point.
    facts, numbers, flags : tuple of str
        Columns that are one value per curve, arrays of numbers, and arrays of flags by kind.
    value_type : pyarrow type
        float32 where every curve of the answer is, else float64; exact in both cases.
    """

    layout: str
    facts: tuple[str, ...]
    numbers: tuple[str, ...]
    flags: tuple[str, ...]
    value_type: Any = field(default_factory=pa.float64)

    def number_type(self, name: str) -> Any:
        """Give the type of the numbers of a column."""
        if name in ("value", "error"):
            return self.value_type
        return pa.float64() if name == "time" else pa.int64()

    @property
    def arrays(self) -> tuple[str, ...]:
        """Name the columns of numbers, flags behind."""
        return (*self.numbers, *self.flags)

    def schema(self, metadata: Mapping[str, str]) -> Any:
        """Give the schema of the stream."""
        facts = [pa.field(name, fact_type(name)) for name in self.facts]
        numbers = [(name, self.number_type(name)) for name in self.arrays]
        is_list = self.layout == LIST
        return pa.schema(
            facts + [pa.field(name, pa.list_(kind) if is_list else kind) for name, kind in numbers],
            metadata=dict(metadata),
        )


def fact_type(name: str) -> Any:
    """Give the type of a column that is one value per curve."""
    kind = FACTS[name][1]
    return pa.dictionary(pa.int32(), kind) if kind == pa.string() else kind


def choose(layout: str, wanted: Sequence[str], kinds: Sequence[str], value_type: Any) -> Shape:
    """Give the shape of an answer.

    Parameters
    ----------
    wanted : sequence of str
        Columns by name, ``flags`` for those of every kind; empty for what the layout usually has.
    kinds : sequence of str
        The kinds of flags there are.

    Raises
    ------
    ValueError
        If layout or column is not known, or no column is left.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout is {layout!r}; it must be {' or '.join(LAYOUTS)}")
    known = (*FACTS, *NUMBERS, "flags", *kinds)
    if unknown := [name for name in wanted if name not in known]:
        raise ValueError(f"there is no column {', '.join(unknown)}; there are {', '.join(known)}")
    names = tuple(wanted) or (*_DEFAULT_FACTS[layout], *NUMBERS, "flags")
    return Shape(
        layout,
        facts=tuple(name for name in FACTS if name in names),
        numbers=tuple(name for name in NUMBERS if name in names),
        flags=tuple(kind for kind in kinds if kind in names or "flags" in names),
        value_type=value_type,
    )
