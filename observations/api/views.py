"""The observations domain over HTTP: list and fetch, and frames to send."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import CreateModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from astrid.core.api import FrameReadViewSet, ReadViewSet
from astrid.core.rest import bodies
from observations.api import serializers, uploading
from observations.models import (
    CalibrationExposure,
    Observation,
    ObservationRun,
    Survey,
)

_SENT = {
    201: uploading.OutcomesSerializer,
    207: OpenApiResponse(uploading.OutcomesSerializer, "Some frames are refused."),
}


class SurveyViewSet(ReadViewSet):
    """Where observations come from."""

    queryset = Survey.objects.order_by("-id")
    serializer_class = serializers.SurveySerializer
    search_fields = ["name"]
    filterset_fields = ["is_active", "adapter"]
    ordering_fields = ["id"]


class ObservationViewSet(CreateModelMixin, FrameReadViewSet):
    """Exposures."""

    parser_classes = bodies.up_to(uploading.MOST_BYTES, bodies.JsonParser)
    queryset = Observation.objects.order_by("-id")
    serializer_class = serializers.ObservationSerializer
    search_fields = ["observation_id"]
    filterset_fields = {
        "survey": ["exact"],
        "status": ["exact"],
        "role": ["exact"],
        "filter_band": ["exact"],
        "epoch": ["exact"],
        "observation_id": ["exact"],
        "is_accepted": ["exact"],
        "observation_time": ["lt", "gt"],
        "seeing": ["lt", "gt"],
        "limiting_magnitude": ["lt", "gt"],
    }
    ordering_fields = ["observation_time", "id", "seeing", "limiting_magnitude"]

    @extend_schema(request=uploading.UploadsSerializer, responses=_SENT)
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Send frames as FITS files in base64, each taken in or refused by itself.

        What an observation says of its exposure is read from the header of its file, by the rules
        of the survey; the pipeline begins with it at once.
        """
        return _told(uploading.from_json(request.data))

    @extend_schema(request={"multipart/form-data": uploading.FramesFormSerializer}, responses=_SENT)
    @action(
        detail=False,
        methods=["post"],
        own_parameters=(),
        parser_classes=bodies.up_to(uploading.MOST_BYTES, bodies.MultiPartParser),
    )
    def files(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Send frames as the files of a form, named as they are."""
        return _told(uploading.from_form(request.data))


def _told(rows: list[dict[str, Any]]) -> Response:
    is_whole = all(row["problem"] is None for row in rows)
    return Response({"rows": rows}, status=201 if is_whole else 207)


class CalibrationExposureViewSet(ReadViewSet):
    """Raw bias, dark and flat frames."""

    queryset = CalibrationExposure.objects.order_by("-id")
    serializer_class = serializers.CalibrationExposureSerializer
    search_fields = ["name"]
    filterset_fields = ["survey", "kind", "instrument", "filter_band"]
    ordering_fields = ["observation_time", "id"]


class ObservationRunViewSet(ReadViewSet):
    """Ingestion passes."""

    queryset = ObservationRun.objects.order_by("-id")
    serializer_class = serializers.ObservationRunSerializer
    filterset_fields = ["survey", "status"]
    ordering_fields = ["created_at", "id"]
