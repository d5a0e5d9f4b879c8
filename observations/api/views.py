"""The observations domain over HTTP: list and fetch."""

from astrid.core.api import FrameReadViewSet, ReadViewSet
from observations.api import serializers
from observations.models import (
    CalibrationExposure,
    Observation,
    ObservationRun,
    Survey,
)


class SurveyViewSet(ReadViewSet):
    """Where observations come from."""

    queryset = Survey.objects.order_by("-id")
    serializer_class = serializers.SurveySerializer
    search_fields = ["name"]
    filterset_fields = ["is_active", "adapter"]
    ordering_fields = ["id"]


class ObservationViewSet(FrameReadViewSet):
    """Exposures."""

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
        "seeing": ["lt", "gt"],
        "limiting_magnitude": ["lt", "gt"],
    }
    ordering_fields = ["observation_time", "id", "seeing", "limiting_magnitude"]


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
