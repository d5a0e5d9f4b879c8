"""The OpenAPI description of every endpoint: what it reads besides, and how it refuses."""

from typing import Any, Protocol, runtime_checkable

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from rest_framework import serializers

from astrid.core.rest.problems import MEDIA_TYPE

_TEXT = {"type": "string"}
_JSON = "application/json"
PROBLEM = {
    "type": "object",
    "description": "What is wrong with a request, as RFC 9457 has it.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {**_TEXT, "format": "uri-reference"},
        "title": {**_TEXT, "description": "The status in words."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {**_TEXT, "description": "What is wrong, in a sentence."},
        "code": {**_TEXT, "description": "What is wrong, in a word."},
        "errors": {
            "type": "array",
            "description": "Each value that cannot be used.",
            "items": {
                "type": "object",
                "required": ["detail", "code"],
                "properties": {
                    "pointer": {**_TEXT, "description": "Where in the body, a JSON pointer."},
                    "parameter": {**_TEXT, "description": "Which parameter of the address."},
                    "detail": _TEXT,
                    "code": _TEXT,
                },
            },
        },
    },
}
_ALWAYS = {
    "400": "A value cannot be used.",
    "401": "Nobody is signed in.",
    "403": "The account may not do this.",
    "404": "There is no such row.",
    "406": "The answer comes as JSON only.",
    "429": "Too many requests; `Retry-After` says for how many seconds.",
}
_WITH_BODY = {
    "413": "The body is too long.",
    "415": "The body is of a kind that is not read.",
}


class ProblemField(serializers.JSONField):
    """What is wrong with one of several rows."""


class ProblemFieldDescription(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Describes it as what errors are."""

    target_class = ProblemField

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Any:
        """Refer to the description of problems."""
        return _registered(auto_schema.registry).ref


def _registered(registry: Any) -> Any:
    component: Any = ResolvedComponent(  # type: ignore[no-untyped-call]
        name="Problem", type=ResolvedComponent.SCHEMA, object="Problem", schema=PROBLEM
    )
    registry.register_on_missing(component)
    return component


def _described_once(body: dict[str, Any]) -> dict[str, Any]:
    """Describe a body that may be a form of the same fields as JSON alone, for generators.

    Of several kinds they write a function that sends all of them, or none that can be imported.
    """
    content = body["content"]
    as_json = content.get(_JSON)
    kept = {kind: each for kind, each in content.items() if kind == _JSON or each != as_json}
    return {**body, "content": kept, "required": True}


@runtime_checkable
class Describing(Protocol):
    """A view that reads parameters of its own."""

    def described_parameters(self) -> list[dict[str, Any]]:
        """Describe them."""


class Schema(AutoSchema):
    """Describes an operation, with its refusals."""

    def get_operation(self, *args: Any, **options: Any) -> Any:
        """Describe the operation."""
        operation = super().get_operation(*args, **options)
        if operation is None:
            return None
        self._add_parameters(operation)
        if "requestBody" in operation:
            operation["requestBody"] = _described_once(operation["requestBody"])
        for status, words in self._refusals(operation).items():
            operation["responses"].setdefault(status, self._refusal(words))
        if self.method == "GET" and isinstance(self.view, Describing):
            same = {"description": "The same as what `If-None-Match` names."}
            operation["responses"].setdefault("304", same)
        return operation

    def get_description(self) -> str:  # type: ignore[override]  # Spectacular's has no arguments
        """Describe a list or a row by what its table holds."""
        if getattr(self.view, "action", None) in ("list", "retrieve"):
            return str(type(self.view).__doc__)
        return str(super().get_description())

    def _add_parameters(self, operation: dict[str, Any]) -> None:
        if isinstance(self.view, Describing) and (found := self.view.described_parameters()):
            operation.setdefault("parameters", []).extend(found)

    def _refusals(self, operation: dict[str, Any]) -> dict[str, str]:
        found = dict(_ALWAYS)
        if "requestBody" in operation:
            found |= _WITH_BODY
        return found | dict(getattr(self.view, "refusals", {}))

    def _refusal(self, words: str) -> dict[str, Any]:
        problem = _registered(self.registry)
        return {"description": words, "content": {MEDIA_TYPE: {"schema": problem.ref}}}
