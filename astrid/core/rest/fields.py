"""Fields of rows: numbers that JSON can hold, with the decimals that they are known to."""

import math
from typing import Any

from rest_framework import serializers


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
