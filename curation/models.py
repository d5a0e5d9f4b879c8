"""What people say of detections, who they are, and whom we tell."""

from typing import ClassVar, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email
from django.db import models
from django.db.models import Q

from astrid.core.ids import new_id
from astrid.core.models import Record
from astrid.core.states import Transitions
from detection.models import Detection, DetectionType


class ConfidenceLevel(models.TextChoices):
    """How sure a curator is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    EXPERT = "expert"


class Quality(models.TextChoices):
    """How good something looks to a curator."""

    EXCELLENT = "excellent"
    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"


def _known(field: str, choices: type[models.TextChoices], name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(**{f"{field}__in": choices.values}), name=name)


def _known_or_null(
    field: str, choices: type[models.TextChoices], name: str
) -> models.CheckConstraint:
    inside = Q(**{f"{field}__isnull": True}) | Q(**{f"{field}__in": choices.values})
    return models.CheckConstraint(condition=inside, name=name)


class ValidationLabel(Record):
    """One word of the taxonomy, at one version of it."""

    name = models.CharField(max_length=50)
    version = models.PositiveIntegerField(default=1)
    detection_type = models.CharField(
        max_length=50, choices=DetectionType, help_text="The class that this label counts as."
    )
    is_real = models.BooleanField(help_text="Whether the label says that something is there.")
    description = models.TextField(blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="label_version_once"),
            _known("detection_type", DetectionType, "label_detection_type"),
        ]

    def __str__(self) -> str:
        return self.name


class Curator(Record):
    """A user's review profile and measured skill."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="curator")
    expertise = models.CharField(max_length=200, blank=True)
    preferences = models.JSONField(default=dict, blank=True)
    verdicts = models.PositiveIntegerField(default=0)
    completeness = models.FloatField(null=True, blank=True, help_text="On gold items, 0 to 1.")
    false_positive_rate = models.FloatField(null=True, blank=True, help_text="On gold items.")
    median_seconds = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["user__username"]

    def __str__(self) -> str:
        return self.user.get_username()


class ValidationEventQuerySet(models.QuerySet["ValidationEvent"]):
    """Questions asked of verdicts more than once."""

    def current(self) -> Self:
        """Verdicts that no later one of the same person replaces."""
        return self.filter(superseded_by__isnull=True)


class ValidationEvent(models.Model):
    """One verdict; never changed, only superseded (the database refuses changes)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    detection = models.ForeignKey(Detection, models.PROTECT, related_name="validation_events")
    validator = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="validation_events"
    )
    is_valid = models.BooleanField(help_text="The validator holds it for real.")
    is_unsure = models.BooleanField(
        default=False, help_text="Neither real nor bogus: the validator cannot tell."
    )
    label = models.CharField(max_length=50, null=True, blank=True)  # noqa: DJ001
    confidence_level = models.CharField(  # noqa: DJ001
        max_length=20, choices=ConfidenceLevel, null=True, blank=True
    )
    notes = models.TextField(null=True, blank=True)  # noqa: DJ001
    tags = models.JSONField(null=True, blank=True)
    image_quality = models.CharField(  # noqa: DJ001
        max_length=20, choices=Quality, null=True, blank=True
    )
    detection_quality = models.CharField(  # noqa: DJ001
        max_length=20, choices=Quality, null=True, blank=True
    )
    client_uuid = models.UUIDField(
        unique=True, default=new_id, help_text="The sender's own key: a replay changes nothing."
    )
    supersedes = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="superseded_by"
    )
    ms_spent = models.PositiveIntegerField(null=True, blank=True, help_text="Milliseconds.")
    blind = models.BooleanField(default=False, help_text="Score and other votes were hidden.")
    shown_fields = models.JSONField(default=list, blank=True, help_text="What was on the screen.")

    objects = ValidationEventQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            _known_or_null("confidence_level", ConfidenceLevel, "event_confidence_level"),
            _known_or_null("image_quality", Quality, "event_image_quality"),
            _known_or_null("detection_quality", Quality, "event_detection_quality"),
            models.CheckConstraint(
                condition=~Q(is_valid=True, is_unsure=True), name="event_valid_or_unsure"
            ),
        ]
        indexes = [models.Index(fields=["detection", "-id"])]

    def __str__(self) -> str:
        return f"{self.verdict} ({self.label or 'no label'}) by {self.validator}"

    @property
    def verdict(self) -> str:
        """The verdict in one word: real, bogus or unsure."""
        if self.is_unsure:
            return "unsure"
        return "real" if self.is_valid else "bogus"


class ReviewTaskQuerySet(models.QuerySet["ReviewTask"]):
    """Questions asked of the queue more than once."""

    def waiting(self) -> Self:
        """Tasks that still need a verdict."""
        return self.filter(done_at__isnull=True)


class ReviewTask(Record):
    """One detection waiting for a verdict; a small table, so the queue stays quick."""

    detection = models.OneToOneField(Detection, models.CASCADE, related_name="review_task")
    priority = models.IntegerField(default=0)
    score = models.FloatField(help_text="The detection's confidence, for the order.")
    lease_holder = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="leases"
    )
    lease_end = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    objects = ReviewTaskQuerySet.as_manager()

    class Meta:
        ordering = ["-priority", "-score", "id"]
        indexes = [
            models.Index(
                fields=["-priority", "-score", "id"],
                condition=Q(done_at__isnull=True),
                name="review_next",
            ),
            models.Index(
                fields=["lease_end"],
                condition=Q(done_at__isnull=True, lease_end__isnull=False),
                name="review_lease",
            ),
        ]

    def __str__(self) -> str:
        return f"review of {self.detection}"


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
        constraints = [_known("kind", ChannelKind, "channel_kind")]

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
            _known("trigger", Trigger, "alertrule_trigger"),
            _known("priority", Priority, "alertrule_priority"),
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
    """A message that something was found."""

    TRANSITIONS: ClassVar[Transitions] = {
        _A.PENDING: frozenset({_A.SENT, _A.DELIVERED, _A.FAILED, _A.CANCELLED}),
        _A.SENT: frozenset({_A.DELIVERED, _A.FAILED}),
        _A.DELIVERED: frozenset(),
        _A.FAILED: frozenset({_A.PENDING, _A.SENT, _A.DELIVERED, _A.CANCELLED}),
        _A.CANCELLED: frozenset(),
    }

    detection = models.ForeignKey(Detection, models.CASCADE, related_name="alerts")
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
            _known("priority", Priority, "alert_priority"),
            _known("status", AlertStatus, "alert_status"),
            models.UniqueConstraint(fields=["detection", "rule"], name="alert_once_per_rule"),
        ]
        indexes = [models.Index(fields=["status", "-id"])]

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
            _known("status", DeliveryStatus, "delivery_status"),
            models.UniqueConstraint(fields=["alert", "channel"], name="delivery_once"),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(status__in=["pending", "sending"]),
                name="delivery_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.alert} to {self.channel}"
