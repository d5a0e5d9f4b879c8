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
    CROSSMATCH = "crossmatch", "a table that one sent began to be matched, went on or ended"
    ALERT = "alert", "an alert was raised"


_THIS_TRANSACTION = Cast(Cast(Func(function="pg_current_xact_id"), TextField()), BigIntegerField())


class Event(models.Model):
    """Something that happened; kept for some days, so that a listener may come back.

    Keys are given out before transactions end: one that began earlier may end later, and a reader
    who has passed its key would never see it. Readers go by numbers, which are given to what is
    committed (:func:`catalog.live.events.settle`).
    """

    number = models.BigIntegerField(null=True, editable=False)
    transaction = models.BigIntegerField(db_default=_THIS_TRANSACTION, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    kind = models.CharField(max_length=20, choices=EventKind)
    entity_id = models.UUIDField(help_text="The row that it happened to.")
    facts = models.JSONField(default=dict)

    class Meta:
        ordering = ["number", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=EventKind.values), name="event_kind"
            ),
            models.UniqueConstraint(fields=["number"], name="event_number_once"),
        ]
        indexes = [
            models.Index(
                fields=["id"], condition=models.Q(number=None), name="event_without_number"
            ),
            models.Index(fields=["created_at"], name="event_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.entity_id}"
