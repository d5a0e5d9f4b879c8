"""Whom we tell, and how the telling went."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email
from django.db import models
from django.db.models import Q

from astrid.core.models import Record
from astrid.core.states import Transitions
from curation.models.choices import known
from detection.models import Detection, DriftWeek


class Priority(models.TextChoices):
    """How soon somebody should look."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class ChannelKind(models.TextChoices):
    """How a message travels."""

    EMAIL = "email"
    WEBHOOK = "webhook"


_is_web_address = URLValidator(schemes=["http", "https"])


class AlertChannel(Record):
    """An address that alerts go to."""

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=20, choices=ChannelKind)
    address = models.CharField(
        max_length=1000, help_text="E-mail addresses with commas between, or a URL."
    )
    secret = models.CharField(
        max_length=200, blank=True, help_text="Signs webhook bodies (HMAC-SHA256)."
    )
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]
        constraints = [known("kind", ChannelKind, "channel_kind")]

    def __str__(self) -> str:
        return self.name

    @property
    def recipients(self) -> list[str]:
        """The e-mail addresses, one by one."""
        return [part.strip() for part in self.address.split(",") if part.strip()]

    def clean(self) -> None:
        """Refuse an address that cannot be written to."""
        if self.kind == ChannelKind.WEBHOOK:
            _is_web_address(self.address)
        elif not self.recipients:
            raise ValidationError({"address": "Give one e-mail address or several."})
        else:
            for address in self.recipients:
                validate_email(address)


class Trigger(models.TextChoices):
    """When a rule is looked at."""

    DETECTED = "detected"
    CONFIRMED = "confirmed"
    DRIFT = "drift"
    EXPORT = "export", "failed export"


class AlertRule(Record):
    """A condition that was put into force; mirrors the rules in SystemConfig."""

    name = models.CharField(max_length=100, unique=True)
    trigger = models.CharField(max_length=20, choices=Trigger)
    min_confidence = models.FloatField(default=0.0)
    detection_types = models.JSONField(
        default=list, blank=True, help_text="Empty means every type."
    )
    priority = models.CharField(max_length=20, choices=Priority, default=Priority.MEDIUM)
    channels = models.ManyToManyField(AlertChannel, blank=True, related_name="rules")
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(min_confidence__range=(0, 1)), name="alertrule_confidence"
            ),
            known("trigger", Trigger, "alertrule_trigger"),
            known("priority", Priority, "alertrule_priority"),
        ]

    def __str__(self) -> str:
        return self.name


class AlertStatus(models.TextChoices):
    """Where an alert stands."""

    PENDING = "pending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


_A = AlertStatus


class Alert(Record):
    """A message: something was found, a network drifts, or a nightly export failed."""

    TRANSITIONS: ClassVar[Transitions] = {
        _A.PENDING: frozenset({_A.SENT, _A.DELIVERED, _A.FAILED, _A.CANCELLED}),
        _A.SENT: frozenset({_A.DELIVERED, _A.FAILED}),
        _A.DELIVERED: frozenset(),
        _A.FAILED: frozenset({_A.PENDING, _A.SENT, _A.DELIVERED, _A.CANCELLED}),
        _A.CANCELLED: frozenset(),
    }

    detection = models.ForeignKey(
        Detection, models.CASCADE, null=True, blank=True, related_name="alerts"
    )
    drift_week = models.ForeignKey(
        DriftWeek, models.CASCADE, null=True, blank=True, related_name="alerts"
    )
    entity_id = models.UUIDField(
        null=True, blank=True, help_text="What else it is about: the export that failed."
    )
    rule = models.ForeignKey(
        AlertRule, models.SET_NULL, null=True, blank=True, related_name="alerts"
    )
    alert_type = models.CharField(max_length=50)
    priority = models.CharField(max_length=20, choices=Priority, default=Priority.MEDIUM)
    title = models.CharField(max_length=200)
    message = models.TextField()
    alert_metadata = models.JSONField(null=True, blank=True)
    status = models.CharField(max_length=20, choices=AlertStatus, default=AlertStatus.PENDING)
    sent_at = models.DateTimeField(null=True, blank=True)
    delivery_attempts = models.PositiveIntegerField(default=0)
    error_message = models.TextField(null=True, blank=True)  # noqa: DJ001

    class Meta:
        ordering = ["-id"]
        constraints = [
            known("priority", Priority, "alert_priority"),
            known("status", AlertStatus, "alert_status"),
            models.UniqueConstraint(fields=["detection", "rule"], name="alert_once_per_rule"),
            models.CheckConstraint(
                condition=Q(detection__isnull=False, drift_week=None, entity_id=None)
                | Q(detection=None, drift_week__isnull=False, entity_id=None)
                | Q(detection=None, drift_week=None, entity_id__isnull=False),
                name="alert_of_one_thing",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "-id"]),
            models.Index(fields=["priority", "-id"]),
            models.Index(fields=["alert_type", "-id"], name="alert_of_type"),
        ]

    def __str__(self) -> str:
        return self.title


class DeliveryStatus(models.TextChoices):
    """Where one message to one address stands."""

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


_L = DeliveryStatus


class Delivery(Record):
    """The outbox: one alert to one channel, with its attempts and the answer."""

    TRANSITIONS: ClassVar[Transitions] = {
        _L.PENDING: frozenset({_L.SENDING, _L.CANCELLED}),
        _L.SENDING: frozenset({_L.DELIVERED, _L.PENDING, _L.FAILED}),
        _L.DELIVERED: frozenset(),
        _L.FAILED: frozenset({_L.PENDING, _L.CANCELLED}),
        _L.CANCELLED: frozenset(),
    }

    alert = models.ForeignKey(Alert, models.CASCADE, related_name="deliveries")
    channel = models.ForeignKey(AlertChannel, models.PROTECT, related_name="deliveries")
    idempotency_key = models.CharField(max_length=100, unique=True)
    status = models.CharField(max_length=20, choices=DeliveryStatus, default=DeliveryStatus.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    response_code = models.PositiveIntegerField(null=True, blank=True)
    response = models.TextField(blank=True, help_text="What the other side answered.")
    error_message = models.TextField(blank=True)
    log = models.JSONField(
        default=list, blank=True, help_text="Every attempt: when, what came back."
    )

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "deliveries"
        constraints = [
            known("status", DeliveryStatus, "delivery_status"),
            models.UniqueConstraint(fields=["alert", "channel"], name="delivery_once"),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(status__in=["pending", "sending"]),
                name="delivery_due",
            ),
            models.Index(fields=["status", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.alert} to {self.channel}"
