"""The preprocessing domain over HTTP: list and fetch."""

from astrid.core.api import ReadViewSet
from preprocessing.api import serializers
from preprocessing.models import (
    CalibrationFrame,
    CalibrationRun,
    PreprocessRun,
)


class PreprocessRunViewSet(ReadViewSet):
    """Calibrations and registrations."""

    queryset = PreprocessRun.objects.order_by("-id")
    serializer_class = serializers.PreprocessRunSerializer
    filterset_fields = {
        "observation": ["exact"],
        "status": ["exact"],
        "is_set_aside": ["exact"],
        "zero_point_source": ["exact"],
        "seeing_px": ["lt", "gt"],
        "limiting_magnitude": ["lt", "gt"],
    }
    ordering_fields = ["created_at", "id", "seeing_px", "limiting_magnitude"]


class CalibrationRunViewSet(ReadViewSet):
    """Buildings of masters."""

    queryset = CalibrationRun.objects.prefetch_related("exposures").order_by("-id")
    serializer_class = serializers.CalibrationRunSerializer
    filterset_fields = ["kind", "status"]
    ordering_fields = ["created_at", "id"]


class CalibrationFrameViewSet(ReadViewSet):
    """Master frames."""

    queryset = CalibrationFrame.objects.order_by("-id")
    serializer_class = serializers.CalibrationFrameSerializer
    filterset_fields = ["kind", "instrument", "filter_band", "is_active"]
    ordering_fields = ["valid_from", "id"]
