"""The differencing domain over HTTP: list and fetch."""

from astrid.core.api import ReadViewSet, SkyReadViewSet
from differencing.api import serializers
from differencing.models import (
    Candidate,
    DifferenceRun,
    ReferenceImage,
)


class ReferenceImageViewSet(SkyReadViewSet):
    """Baselines of the sky."""

    queryset = ReferenceImage.objects.prefetch_related("observations").order_by("-id")
    serializer_class = serializers.ReferenceImageSerializer
    filterset_fields = ["survey", "filter_band", "is_active"]
    ordering_fields = ["valid_from", "id"]


class DifferenceRunViewSet(ReadViewSet):
    """Subtractions."""

    queryset = DifferenceRun.objects.order_by("-id")
    serializer_class = serializers.DifferenceRunSerializer
    filterset_fields = [
        "observation",
        "reference_observation",
        "status",
        "algorithm",
        "is_control",
        "is_comparison",
    ]
    ordering_fields = ["created_at", "id"]


class CandidateViewSet(SkyReadViewSet):
    """Residuals above threshold."""

    queryset = Candidate.objects.order_by("-id")
    serializer_class = serializers.CandidateSerializer
    filterset_fields = ["difference_run", "observation", "status", "is_negative"]
    ordering_fields = ["significance", "id"]
