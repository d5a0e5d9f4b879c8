"""What every endpoint shares: cones, and figures with their decimals."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers, viewsets
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.settings import api_settings
from rest_framework.views import APIView

CONE = ("ra", "dec", "radius")
_MEANING = {
    "ra": "Right ascension of the centre, degrees ICRS, 0 to 360.",
    "dec": "Declination of the centre, degrees ICRS, -90 to 90.",
    "radius": "Radius of the cone, degrees, 0 to 180. Needs ra and dec.",
}


class ConeFilter(BaseFilterBackend):
    """Keep rows inside a cone: ``?ra=…&dec=…&radius=…``, all in degrees."""

    def filter_queryset(
        self, request: Any, queryset: QuerySet[Any], view: APIView
    ) -> QuerySet[Any]:
        """Search the cone that the query names; no parameter, no cone."""
        given = {name: request.query_params[name] for name in CONE if name in request.query_params}
        if not given:
            return queryset
        if missing := [name for name in CONE if name not in given]:
            raise ValidationError({name: ["A cone needs ra, dec and radius."] for name in missing})
        search: Callable[..., QuerySet[Any]] = queryset.cone_search  # type: ignore[attr-defined]
        try:
            return search(*map(float, given.values()))
        except ValueError as error:
            raise ValidationError({"cone": [str(error)]}) from error

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """Describe the parameters for OpenAPI."""
        return [
            {
                "name": name,
                "in": "query",
                "required": False,
                "description": meaning,
                "schema": {"type": "number", "format": "double"},
            }
            for name, meaning in _MEANING.items()
        ]


class ReadViewSet(viewsets.ReadOnlyModelViewSet):
    """List and fetch; the pipeline and people's actions write."""


class SkyReadViewSet(ReadViewSet):
    """List and fetch rows with a position."""

    filter_backends: list[Any] = [*api_settings.DEFAULT_FILTER_BACKENDS, ConeFilter]


class RoundedField(serializers.FloatField):
    """A number shown with the decimals that it is known to."""

    def __init__(self, *, decimals: int, **options: Any) -> None:
        super().__init__(**options)
        self.decimals = decimals

    def to_representation(self, value: Any) -> Any:
        """Round."""
        return round(float(value), self.decimals)


class RowSerializer(serializers.ModelSerializer):
    """A row as JSON; ``Meta.decimals`` names the figures that are kept to some decimals."""

    def build_standard_field(self, field_name: str, model_field: Any) -> tuple[Any, Any]:
        """Choose the field; figures get their decimals."""
        kind, options = super().build_standard_field(field_name, model_field)
        decimals = getattr(self.Meta, "decimals", {})
        if field_name in decimals:
            return RoundedField, options | {"decimals": decimals[field_name]}
        return kind, options
