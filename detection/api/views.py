"""The detection domain over HTTP: list and fetch, and alarms to acknowledge."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from astrid.core.api import Moves, ReadViewSet, SkyReadViewSet
from detection import driftalarms
from detection.api import serializers
from detection.models import (
    ContextCatalog,
    ContextSource,
    Detection,
    DriftAlarm,
    ForcedMeasurement,
    ForcedPhotometryRun,
    Model,
    ModelRun,
    SkyObject,
    TrainingDataset,
    TrainingRun,
)


class ModelViewSet(ReadViewSet):
    """Trained networks."""

    queryset = Model.objects.order_by("-id")
    serializer_class = serializers.ModelSerializer
    search_fields = ["name"]
    filterset_fields = ["name", "version", "model_type", "is_active"]
    ordering_fields = ["created_at", "id"]


class ModelRunViewSet(ReadViewSet):
    """Inferences."""

    queryset = ModelRun.objects.order_by("-id")
    serializer_class = serializers.ModelRunSerializer
    filterset_fields = ["model", "observation", "difference_run", "status"]
    ordering_fields = ["created_at", "id"]


class DriftAlarmViewSet(Moves, ReadViewSet):
    """Drifts that operators were told of: from the first week until they are over or seen to."""

    queryset = DriftAlarm.objects.order_by("-id")
    serializer_class = serializers.DriftAlarmSerializer
    filterset_fields = ["model", "survey"]
    ordering_fields = ["id"]

    @extend_schema(request=None, responses=serializers.DriftAlarmSerializer)
    @action(detail=True, methods=["post"], own_parameters=())
    def acknowledge(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Note that somebody has seen to an alarm; a later week that alarms is told of again."""
        person: Any = request.user
        return self.moved(lambda alarm: driftalarms.acknowledge(alarm, by=person))


class SkyObjectViewSet(SkyReadViewSet):
    """Things in the sky."""

    queryset = SkyObject.objects.order_by("-id")
    serializer_class = serializers.SkyObjectSerializer
    search_fields = ["designation"]
    filterset_fields = {
        "designation": ["exact"],
        "best_class": ["exact"],
        "last_seen": ["lt", "gt"],
        "number_of_detections": ["lt", "gt"],
    }
    ordering_fields = ["last_seen", "number_of_detections", "id"]

    def get_serializer_class(self) -> Any:
        """Show how it varies for one object only."""
        is_one = self.action == "retrieve"
        return serializers.SkyObjectDetailSerializer if is_one else self.serializer_class


class ContextCatalogViewSet(ReadViewSet):
    """Files of catalogues of others, and what became of their rows."""

    queryset = ContextCatalog.objects.order_by("-id")
    serializer_class = serializers.ContextCatalogSerializer
    search_fields = ["name"]
    filterset_fields = ["name", "kind"]
    ordering_fields = ["id"]


class ContextSourceViewSet(SkyReadViewSet):
    """Stars, variables and asteroids that others know."""

    queryset = ContextSource.objects.order_by("-id")
    serializer_class = serializers.ContextSourceSerializer
    filterset_fields = ["catalog"]
    ordering_fields = ["id"]


class DetectionViewSet(SkyReadViewSet):
    """What the network believes in."""

    queryset = Detection.objects.order_by("-id")
    serializer_class = serializers.DetectionSerializer
    filterset_fields = {
        "observation": ["exact"],
        "model_run": ["exact"],
        "sky_object": ["exact"],
        "status": ["exact"],
        "detection_type": ["exact"],
        "is_validated": ["exact"],
        "is_audit": ["exact"],
        "human_label": ["exact"],
        "confidence_score": ["lt", "gt"],
        "magnitude": ["lt", "gt"],
    }
    ordering_fields = ["confidence_score", "magnitude", "id"]


class ForcedPhotometryRunViewSet(ReadViewSet):
    """Looks at differences for the fluxes of known objects."""

    queryset = ForcedPhotometryRun.objects.order_by("-id")
    serializer_class = serializers.ForcedPhotometryRunSerializer
    filterset_fields = ["difference_run", "asked_by", "status"]
    ordering_fields = ["created_at", "id"]


class ForcedMeasurementViewSet(ReadViewSet):
    """Fluxes at the places of known objects, found there or not."""

    queryset = ForcedMeasurement.objects.order_by("-id")
    serializer_class = serializers.ForcedMeasurementSerializer
    filterset_fields = ["sky_object", "difference_run", "observation", "method_version"]
    ordering_fields = ["id"]


class TrainingDatasetViewSet(ReadViewSet):
    """Labelled snapshots."""

    queryset = TrainingDataset.objects.order_by("-id")
    serializer_class = serializers.TrainingDatasetSerializer
    search_fields = ["name"]
    filterset_fields = ["name"]
    ordering_fields = ["created_at", "id"]


class TrainingRunViewSet(ReadViewSet):
    """Trainings."""

    queryset = TrainingRun.objects.order_by("-id")
    serializer_class = serializers.TrainingRunSerializer
    filterset_fields = ["dataset", "model", "status"]
    ordering_fields = ["created_at", "id"]
