"""The preprocessing domain over HTTP: list and fetch."""

from astrid.core.api import ReadViewSet
from preprocessing.api import serializers
from preprocessing.models import (
    CalibrationFrame,
    PreprocessRun,
)


class PreprocessRunViewSet(ReadViewSet):
    """Calibrations and registrations."""

    queryset = PreprocessRun.objects.order_by("-id")
    serializer_class = serializers.PreprocessRunSerializer
    filterset_fields = ["observation", "status"]
    ordering_fields = ["created_at", "id"]


class CalibrationFrameViewSet(ReadViewSet):
    """Master frames."""

    queryset = CalibrationFrame.objects.order_by("-id")
    serializer_class = serializers.CalibrationFrameSerializer
    filterset_fields = ["kind", "instrument", "filter_band", "is_active"]
    ordering_fields = ["valid_from", "id"]
