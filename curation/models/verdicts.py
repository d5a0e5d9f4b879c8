"""What people say of detections."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from astrid.core.ids import new_id
from curation.models.choices import known_or_null
from detection.models import Detection


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


class ValidationEventQuerySet(models.QuerySet["ValidationEvent"]):
    """Questions asked of verdicts more than once."""

    def latest_words(self) -> Self:
        """Keep the last word of each person on each detection, withdrawals included."""
        return self.filter(superseded_by__isnull=True)

    def current(self) -> Self:
        """Verdicts in force: no later one of the same person replaces or withdraws them."""
        return self.latest_words().filter(withdrawn=False)

    def latest_of(self, detection: Detection, person: Any) -> "ValidationEvent | None":
        """Give the last word of one person on one detection."""
        return self.latest_words().filter(detection=detection, validator=person).first()


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
    withdrawn = models.BooleanField(
        default=False, help_text="Takes the verdict that it supersedes back; counts no vote."
    )
    decides = models.BooleanField(
        default=False, help_text="An adjudicator's word, which settles a dispute."
    )
    queue = models.CharField(
        max_length=50, blank=True, help_text="The review queue that asked; empty: another page."
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
            known_or_null("confidence_level", ConfidenceLevel, "event_confidence_level"),
            known_or_null("image_quality", Quality, "event_image_quality"),
            known_or_null("detection_quality", Quality, "event_detection_quality"),
            models.CheckConstraint(
                condition=~Q(is_valid=True, is_unsure=True), name="event_valid_or_unsure"
            ),
            models.CheckConstraint(
                condition=Q(withdrawn=False)
                | Q(is_valid=False, is_unsure=False, supersedes__isnull=False),
                name="event_withdraws_another",
            ),
        ]
        indexes = [
            models.Index(fields=["detection", "-id"]),
            models.Index(fields=["validator", "-id"]),
            models.Index(fields=["is_valid", "is_unsure", "-id"]),
            models.Index(fields=["label", "-id"]),
            models.Index(fields=["-id"], condition=Q(withdrawn=True), name="event_withdrawn"),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} ({self.label or 'no label'}) by {self.validator}"

    @property
    def is_in_force(self) -> bool:
        """Whether no later event of the same person supersedes it."""
        return not hasattr(self, "superseded_by")

    @property
    def verdict(self) -> str:
        """The verdict in one word: real, bogus, unsure or withdrawn."""
        if self.withdrawn:
            return "withdrawn"
        if self.is_unsure:
            return "unsure"
        return "real" if self.is_valid else "bogus"
