"""What happened, one row each, written in the transaction that did it."""

from django.db import models
from django.db.models import BigIntegerField, Func, TextField
from django.db.models.functions import Cast


class EventKind(models.TextChoices):
    """What may be listened to."""

    DETECTION = "detection", "something new was found"
    JUDGED = "judged", "verdicts moved a detection"
    JOB = "job", "a job began, went on or ended"
    EXPORT = "export", "a file of rows began, went on or ended"
    ALERT = "alert", "an alert was raised"


# Numbers of rows are given out before transactions end: one that began earlier may end later, and
# a reader who has passed its number would never see it. Rows are therefore read in the order of
# transactions, up to the oldest one that is still under way (:mod:`catalog.live.events`).
_THIS_TRANSACTION = Cast(Cast(Func(function="pg_current_xact_id"), TextField()), BigIntegerField())


class Event(models.Model):
    """Something that happened; kept for some days, so that a listener may come back."""

    transaction = models.BigIntegerField(db_default=_THIS_TRANSACTION, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    kind = models.CharField(max_length=20, choices=EventKind)
    entity_id = models.UUIDField(help_text="The row that it happened to.")
    facts = models.JSONField(default=dict)

    class Meta:
        ordering = ["transaction", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=EventKind.values), name="event_kind"
            ),
        ]
        indexes = [
            models.Index(fields=["transaction", "id"], name="event_place"),
            models.Index(fields=["created_at"], name="event_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.entity_id}"
