"""Fields that can be tuned: default, unit, meaning and limits, stated once."""

import operator
from collections.abc import Mapping
from dataclasses import MISSING, Field, field, fields
from typing import Any

REQUIRED = MISSING

# The names are pydantic's, which reads them where a setting is parsed.
_HOLDS = {"gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le}
_SIGNS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}


def tunable(default: Any, meaning: str, *, unit: str = "", **limits: float) -> Any:
    """Declare a field of a dataclass together with what forms and documentation say of it.

    Parameters
    ----------
    default
        REQUIRED where the value must be given.
    meaning : str
        What it does, in a few words.
    unit : str, optional
        Of the value and of its limits.
    **limits
        ``gt``, ``ge``, ``lt``, ``le``: what the value must be above, at least, below, at most.

    Raises
    ------
    TypeError
        If a limit has another name.
    """
    unknown = limits.keys() - _SIGNS.keys()
    if unknown:
        raise TypeError(f"{', '.join(sorted(unknown))} is no limit; there are {', '.join(_SIGNS)}")
    notes = {"meaning": meaning, **({"unit": unit} if unit else {}), **limits}
    return field(default=default, metadata=notes)


def limits_of(tuned: Field[Any]) -> dict[str, float]:
    """Give the limits of a field by name; empty where it has none."""
    return {name: tuned.metadata[name] for name in _SIGNS if name in tuned.metadata}


def in_words(limits: Mapping[str, float]) -> str:
    """Write limits as people read them: "> 0 and ≤ 100"."""
    return " and ".join(f"{_SIGNS[name]} {limit}" for name, limit in limits.items())


def check_limits(parameters: Any) -> None:
    """Check every field of a dataclass against its limits; None has no size and passes.

    Raises
    ------
    ValueError
        If a value lies outside; NaN does.
    """
    for each in fields(parameters):
        value, limits = getattr(parameters, each.name), limits_of(each)
        if value is None or all(_HOLDS[name](value, limit) for name, limit in limits.items()):
            continue
        raise ValueError(f"{each.name} is {value}: it must be {in_words(limits)}")
