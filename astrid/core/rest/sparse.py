"""Some fields of rows: ``?fields=id,ra,dec``; what is not named is not read."""

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.fields import Field
from rest_framework.request import Request

from astrid.core.rest.pages import FIELDS
from astrid.core.rest.parameters import described


def asked(request: Request, serializer: Any) -> dict[str, Field[Any, Any, Any, Any]]:
    """Give the fields that are to be shown, in the order of the serializer.

    Raises
    ------
    ValidationError
        If a name is none of them.
    """
    readable = {f.field_name: f for f in serializer._readable_fields}
    text = request.query_params.get(FIELDS)
    if text is None:
        return readable
    names = [part.strip() for part in text.split(",")]
    if unknown := [name for name in names if name not in readable]:
        words = f"{unknown[0][:40]!r} is no field here; there are {', '.join(readable)}"
        raise ValidationError({FIELDS: [words]})
    return {name: field for name, field in readable.items() if name in names}


def parameter() -> dict[str, Any]:
    """Describe the parameter for OpenAPI."""
    return described(
        FIELDS,
        "Names of the fields to show, with commas; all without it.",
        {"type": "string", "pattern": "^[a-z0-9_]+(,[a-z0-9_]+)*$"},
    )
