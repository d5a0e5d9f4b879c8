"""What a dataclass of settings tells people about its fields."""

import json
from collections.abc import Iterator
from dataclasses import MISSING, Field, asdict, dataclass, fields, is_dataclass
from enum import Enum
from typing import Any, get_args, get_origin


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


_LIMITS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}


def lines_of(kind: type) -> Iterator[FieldHelp]:
    """Give one line of help per field of a dataclass."""
    documented = _documented(kind.__doc__ or "")
    for each in fields(kind):
        notes = each.metadata
        yield FieldHelp(
            name=each.name,
            kind=_type_name(each.type),
            unit=str(notes.get("unit", "")),
            meaning=str(notes.get("meaning", "") or documented.get(each.name, "")),
            default=_default_of(each),
            allowed=" and ".join(
                f"{sign} {notes[limit]}" for limit, sign in _LIMITS.items() if limit in notes
            ),
        )


def _documented(docstring: str) -> dict[str, str]:
    """Read the ``Attributes`` of a numpydoc docstring: name -> text."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in docstring.partition("Attributes\n")[2].splitlines()[1:]:
        head, colon, _ = line.strip().partition(" : ")
        if colon and head.isidentifier():
            name = head
        elif name and line.strip():
            found.setdefault(name, []).append(line.strip())
    return {key: " ".join(lines) for key, lines in found.items()}


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
