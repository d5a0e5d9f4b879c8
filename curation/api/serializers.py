"""Rows of the curation domain as JSON."""

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import serializers

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
    """Addresses of alerts; a secret goes in and never comes out."""

    secret = serializers.CharField(
        write_only=True,
        required=False,
        allow_blank=True,
        max_length=200,
        help_text="Signs webhook bodies (HMAC-SHA256).",
    )

    class Meta:
        model = AlertChannel
        fields = "__all__"

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        """Refuse an address that cannot be written to."""
        names = ("kind", "address")
        try:
            AlertChannel(**{n: given.get(n, getattr(self.instance, n, "")) for n in names}).clean()
        except DjangoValidationError as error:
            words = getattr(error, "message_dict", {"address": error.messages})
            raise serializers.ValidationError(words) from error
        return given


class SendAgainSerializer(serializers.Serializer[Any]):
    """Whom an alert is to be sent to."""

    channels = serializers.PrimaryKeyRelatedField(
        queryset=AlertChannel.objects.all(),
        many=True,
        required=False,
        help_text="Alert channels; left out: those that it failed to reach.",
    )


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
