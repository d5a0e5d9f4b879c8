"""Fields of rows: numbers that JSON can hold, with the decimals that they are known to."""

import base64
import math
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


@extend_schema_field({"type": "string", "format": "byte"})
class Base64Field(serializers.Field[bytes, str, str, Any]):
    """Bytes, written as base64."""

    default_error_messages = {"no_text": "Send the bytes as base64."}

    def to_internal_value(self, data: Any) -> bytes:
        """Give the bytes."""
        if not isinstance(data, str):
            self.fail("no_text")
        try:
            return base64.b64decode(data, validate=True)
        except ValueError as error:
            raise serializers.ValidationError(f"This is no base64: {error}.") from error


class FiniteField(serializers.FloatField):
    """A number; null where it is not finite, as JSON has no NaN."""

    def to_representation(self, value: Any) -> Any:
        """Give the number."""
        number = float(value)
        return number if math.isfinite(number) else None


class RoundedField(FiniteField):
    """A number shown with the decimals that it is known to."""

    def __init__(self, *, decimals: int, **options: Any) -> None:
        super().__init__(**options)
        self.decimals = decimals

    def to_representation(self, value: Any) -> Any:
        """Round."""
        number = super().to_representation(value)
        return None if number is None else round(number, self.decimals)
