"""What a dataclass of settings tells people about its fields."""

import json
from collections.abc import Iterator
from dataclasses import MISSING, Field, asdict, dataclass, fields, is_dataclass
from enum import Enum
from typing import Any, get_args, get_origin

from astrid.core.parameters import in_words, limits_of


@dataclass(frozen=True)
class FieldHelp:
    """One line of the help beside a setting."""

    name: str
    kind: str
    unit: str
    meaning: str
    default: str
    allowed: str


def shown(value: Any) -> str:
    """Write a value as JSON, cut where it is long."""
    text = json.dumps(value, default=str)
    return text if len(text) <= 120 else f"{text[:117]}..."


def lines_of(kind: type) -> Iterator[FieldHelp]:
    """Give one line of help per field of a dataclass."""
    for each in fields(kind):
        yield FieldHelp(
            name=each.name,
            kind=_type_name(each.type),
            unit=str(each.metadata.get("unit", "")),
            meaning=str(each.metadata.get("meaning", "")),
            default=_default_of(each),
            allowed=in_words(limits_of(each)),
        )


_WORDS = {
    "float": "number",
    "int": "whole number",
    "bool": "true or false",
    "str": "text",
    "NoneType": "null",
}


def _type_name(annotation: Any) -> str:
    if get_origin(annotation) in (tuple, list):
        return f"list of {_type_name(get_args(annotation)[0])}"
    if get_args(annotation):
        return " or ".join(_type_name(part) for part in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "one of " + ", ".join(str(member.value) for member in annotation)
    name = getattr(annotation, "__name__", str(annotation))
    return _WORDS.get(name, name)


def _default_of(each: Field[Any]) -> str:
    if each.default is not MISSING:
        return shown(each.default)
    if each.default_factory is not MISSING:
        made = each.default_factory()
        return shown(asdict(made) if is_dataclass(made) else made)  # type: ignore[arg-type]
    return "none: it must be given"
