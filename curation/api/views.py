"""The curation domain over HTTP: list and fetch."""

from astrid.core.api import ReadViewSet
from curation.api import serializers
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
    filterset_fields = ["name", "detection_type", "is_real", "is_active"]
    ordering_fields = ["name", "id"]


class CuratorViewSet(ReadViewSet):
    """Review profiles."""

    queryset = Curator.objects.order_by("-id")
    serializer_class = serializers.CuratorSerializer
    filterset_fields = ["user"]
    ordering_fields = ["id"]


class ValidationEventViewSet(ReadViewSet):
    """Verdicts."""

    queryset = ValidationEvent.objects.order_by("-id")
    serializer_class = serializers.ValidationEventSerializer
    filterset_fields = ["detection", "validator", "is_valid", "label"]
    ordering_fields = ["id"]


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
    filterset_fields = ["kind", "is_active"]
    ordering_fields = ["name", "id"]


class AlertRuleViewSet(ReadViewSet):
    """Rules of alerts."""

    queryset = AlertRule.objects.prefetch_related("channels").order_by("-id")
    serializer_class = serializers.AlertRuleSerializer
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
