"""The curation domain over HTTP: list and fetch, and verdicts to give."""

from drf_spectacular.utils import extend_schema
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response

from astrid.core.api import ReadViewSet
from curation.api import serializers, verdicts
from curation.models import (
    Alert,
    AlertChannel,
    AlertRule,
    Curator,
    Delivery,
    ReviewTask,
    ValidationEvent,
    ValidationLabel,
)


class ValidationLabelViewSet(ReadViewSet):
    """The taxonomy."""

    queryset = ValidationLabel.objects.order_by("-id")
    serializer_class = serializers.ValidationLabelSerializer
    search_fields = ["name"]
    filterset_fields = ["name", "detection_type", "is_real", "is_active"]
    ordering_fields = ["name", "id"]


class CuratorViewSet(ReadViewSet):
    """Review profiles."""

    queryset = Curator.objects.order_by("-id")
    serializer_class = serializers.CuratorSerializer
    search_fields = ["user__username"]
    filterset_fields = ["user"]
    ordering_fields = ["id"]


class ValidationEventViewSet(ReadViewSet):
    """Verdicts; never changed, only superseded by later ones."""

    queryset = ValidationEvent.objects.order_by("-id")
    serializer_class = serializers.ValidationEventSerializer
    filterset_fields = ["detection", "validator", "is_valid", "label"]
    ordering_fields = ["id"]
    parser_classes = [JSONParser]

    @extend_schema(
        request=verdicts.VerdictsSerializer,
        responses={200: verdicts.VerdictResultsSerializer},
        operation_id="validation_events_give",
    )
    def create(self, request: Request) -> Response:
        """Give verdicts, each saved or refused by itself, as the console's pages do."""
        return Response(verdicts.record(request.data, request.user))  # type: ignore[arg-type]


class ReviewTaskViewSet(ReadViewSet):
    """Detections that wait."""

    queryset = ReviewTask.objects.order_by("-id")
    serializer_class = serializers.ReviewTaskSerializer
    filterset_fields = ["detection", "kind", "band", "assigned_to"]
    ordering_fields = ["priority", "score", "id"]


class AlertChannelViewSet(ReadViewSet):
    """Addresses of alerts."""

    queryset = AlertChannel.objects.order_by("-id")
    serializer_class = serializers.AlertChannelSerializer
    search_fields = ["name"]
    filterset_fields = ["kind", "is_active"]
    ordering_fields = ["name", "id"]


class AlertRuleViewSet(ReadViewSet):
    """Rules of alerts."""

    queryset = AlertRule.objects.prefetch_related("channels").order_by("-id")
    serializer_class = serializers.AlertRuleSerializer
    search_fields = ["name"]
    filterset_fields = ["trigger", "is_active"]
    ordering_fields = ["name", "id"]


class AlertViewSet(ReadViewSet):
    """Messages that something was found."""

    queryset = Alert.objects.order_by("-id")
    serializer_class = serializers.AlertSerializer
    filterset_fields = ["detection", "rule", "status", "priority", "alert_type"]
    ordering_fields = ["id"]


class DeliveryViewSet(ReadViewSet):
    """Messages to addresses."""

    queryset = Delivery.objects.order_by("-id")
    serializer_class = serializers.DeliverySerializer
    filterset_fields = ["alert", "channel", "status"]
    ordering_fields = ["id"]
