"""Rows of the curation domain as JSON."""

from astrid.core.api import RowSerializer
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


class ValidationLabelSerializer(RowSerializer):
    """The taxonomy."""

    class Meta:
        model = ValidationLabel
        fields = "__all__"


class CuratorSerializer(RowSerializer):
    """Review profiles."""

    class Meta:
        model = Curator
        fields = "__all__"


class ValidationEventSerializer(RowSerializer):
    """Verdicts."""

    class Meta:
        model = ValidationEvent
        fields = "__all__"


class ReviewTaskSerializer(RowSerializer):
    """Detections that wait."""

    class Meta:
        model = ReviewTask
        fields = "__all__"


class AlertChannelSerializer(RowSerializer):
    """Addresses of alerts."""

    class Meta:
        model = AlertChannel
        exclude = ["secret"]


class AlertRuleSerializer(RowSerializer):
    """Rules of alerts."""

    class Meta:
        model = AlertRule
        fields = "__all__"


class AlertSerializer(RowSerializer):
    """Messages that something was found."""

    class Meta:
        model = Alert
        fields = "__all__"


class DeliverySerializer(RowSerializer):
    """Messages to addresses."""

    class Meta:
        model = Delivery
        fields = "__all__"
