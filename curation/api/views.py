"""The curation domain over HTTP: list and fetch, verdicts to give, and alerts to work on."""

from typing import Any

from django.db import transaction
from django.db.models import ProtectedError
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import CreateModelMixin, DestroyModelMixin, UpdateModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from astrid.core.api import Moves, ReadViewSet
from astrid.core.rest import marks
from astrid.core.rest.bodies import JsonParser
from astrid.core.rest.refusals import Conflict
from curation import delivery, resending
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
    parser_classes = [JsonParser]

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
    ordering_fields = ["created_at", "id"]


class AlertChannelViewSet(CreateModelMixin, UpdateModelMixin, DestroyModelMixin, ReadViewSet):
    """Addresses of alerts."""

    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    parser_classes = [JsonParser]
    refusals = {
        "409": "Alerts were written to it: switch it off instead.",
        "412": "The row is no longer what `If-Match` names.",
    }
    queryset = AlertChannel.objects.order_by("-id")
    serializer_class = serializers.AlertChannelSerializer
    search_fields = ["name"]
    filterset_fields = ["kind", "is_active"]
    ordering_fields = ["name", "id"]

    def get_queryset(self) -> Any:
        """Hold the row that is changed: what ``If-Match`` was compared with must not move."""
        rows: Any = super().get_queryset()
        return rows.select_for_update() if self.request.method in ("PATCH", "DELETE") else rows

    @transaction.atomic
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Read and change a channel in one transaction."""
        return super().update(request, *args, **kwargs)

    @transaction.atomic
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Read and delete a channel in one transaction."""
        return super().destroy(request, *args, **kwargs)

    def perform_update(self, serializer: Any) -> None:
        """Change a channel that is still what the client has seen."""
        marks.check(self.request, self.get_serializer(serializer.instance).data)
        serializer.save()

    def perform_destroy(self, instance: Any) -> None:
        """Delete a channel that nothing was ever written to."""
        marks.check(self.request, self.get_serializer(instance).data)
        try:
            instance.delete()
        except ProtectedError as error:
            raise Conflict(
                f"alerts were written to {instance}: set is_active to false instead"
            ) from error


class AlertRuleViewSet(ReadViewSet):
    """Rules of alerts."""

    queryset = AlertRule.objects.prefetch_related("channels").order_by("-id")
    serializer_class = serializers.AlertRuleSerializer
    search_fields = ["name"]
    filterset_fields = ["trigger", "is_active"]
    ordering_fields = ["name", "id"]


class AlertViewSet(Moves, ReadViewSet):
    """Messages that something was found."""

    queryset = Alert.objects.order_by("-id")
    serializer_class = serializers.AlertSerializer
    filterset_fields = ["detection", "rule", "status", "priority", "alert_type"]
    ordering_fields = ["id"]

    @extend_schema(request=serializers.SendAgainSerializer, responses=serializers.AlertSerializer)
    @action(detail=True, methods=["post"], own_parameters=(), url_path="send-again")
    def send_again(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Try again what failed of an alert, or send it to the channels that are named."""
        asked = serializers.SendAgainSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        channels = asked.validated_data.get("channels", ())
        return self.moved(lambda alert: resending.send_again(alert, channels))

    @extend_schema(request=None, responses=serializers.AlertSerializer)
    @action(detail=True, methods=["post"], own_parameters=())
    def withdraw(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Hold back what waits or failed of an alert, for good."""
        return self.moved(resending.withdraw)


class DeliveryViewSet(Moves, ReadViewSet):
    """Messages to addresses."""

    queryset = Delivery.objects.order_by("-id")
    serializer_class = serializers.DeliverySerializer
    filterset_fields = ["alert", "channel", "status"]
    ordering_fields = ["id"]

    @extend_schema(request=None, responses=serializers.DeliverySerializer)
    @action(detail=True, methods=["post"], own_parameters=())
    def redeliver(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Put a failed message back into the outbox, with all its tries before it again."""
        return self.moved(delivery.redeliver)

    @extend_schema(request=None, responses=serializers.DeliverySerializer)
    @action(detail=True, methods=["post"], own_parameters=())
    def cancel(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take a message that waits or failed out of the outbox for good."""
        return self.moved(delivery.cancel)
