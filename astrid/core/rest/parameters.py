"""What may stand behind the question mark of an address: nothing that would be passed over."""

from collections.abc import Iterable
from typing import Any

from rest_framework.exceptions import ValidationError


def check(given: Any, allowed: Iterable[str]) -> None:
    """Refuse parameters that nobody reads, and those given twice or without a value.

    Raises
    ------
    ValidationError
        With the names that are allowed.
    """
    known = sorted(allowed)
    faults = {name: _unknown(known) for name in given if name not in known}
    faults |= {name: _twice(given.getlist(name)) for name in given if len(given.getlist(name)) > 1}
    faults |= {name: ["It is empty; leave it out."] for name in given if not given[name].strip()}
    if faults:
        raise ValidationError(faults)


def _unknown(known: list[str]) -> list[str]:
    return [f"There is no such parameter here; there are {', '.join(known) or 'none'}."]


def _twice(values: list[str]) -> list[str]:
    return [f"It is given {len(values)} times; give it once."]


def described(name: str, meaning: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Describe a parameter of a query for OpenAPI."""
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": meaning,
        "schema": schema,
        **more,
    }
