"""The differencing domain over HTTP: list and fetch."""

from astrid.core.api import FrameReadViewSet, ReadViewSet, SkyReadViewSet
from differencing.api import serializers
from differencing.models import (
    Candidate,
    DifferenceRun,
    ReferenceImage,
    ReferenceRun,
)


class ReferenceImageViewSet(FrameReadViewSet):
    """Baselines of the sky."""

    queryset = ReferenceImage.objects.prefetch_related("observations").order_by("-id")
    serializer_class = serializers.ReferenceImageSerializer
    filterset_fields = [
        "survey",
        "filter_band",
        "instrument",
        "grid_observation",
        "number_of_frames",
        "is_active",
    ]
    ordering_fields = ["valid_from", "seeing", "id"]


class ReferenceRunViewSet(ReadViewSet):
    """Looks at sky cells, and the references that came of them."""

    queryset = ReferenceRun.objects.order_by("-id")
    serializer_class = serializers.ReferenceRunSerializer
    filterset_fields = ["grid_observation", "reference_image", "status", "is_forced"]
    ordering_fields = ["created_at", "id"]


class DifferenceRunViewSet(ReadViewSet):
    """Subtractions."""

    queryset = DifferenceRun.objects.order_by("-id")
    serializer_class = serializers.DifferenceRunSerializer
    filterset_fields = [
        "observation",
        "reference_observation",
        "reference_image",
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
    filterset_fields = {
        "difference_run": ["exact"],
        "observation": ["exact"],
        "status": ["exact"],
        "is_negative": ["exact"],
        "magnitude": ["lt", "gt"],
    }
    ordering_fields = ["significance", "magnitude", "id"]
