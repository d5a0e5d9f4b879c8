"""Queries that wait in a queue; :mod:`catalog.models` brings them into the database."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from astrid.core.models import Record
from astrid.core.states import Transitions


class TapStatus(models.TextChoices):
    """Where a query stands, in the words of the Universal Worker Service."""

    PENDING = "pending"
    QUEUED = "queued"
    EXECUTING = "executing"
    COMPLETED = "completed"
    ERROR = "error"
    ABORTED = "aborted"


_S = TapStatus
ENDED = (_S.COMPLETED, _S.ERROR, _S.ABORTED)


class TapJob(Record):
    """A query that somebody queued, and where its answer is."""

    TRANSITIONS: ClassVar[Transitions] = {
        _S.PENDING: frozenset({_S.QUEUED, _S.ABORTED}),
        _S.QUEUED: frozenset({_S.EXECUTING, _S.ABORTED}),
        _S.EXECUTING: frozenset({_S.COMPLETED, _S.ERROR, _S.ABORTED}),
        _S.COMPLETED: frozenset(),
        _S.ERROR: frozenset(),
        _S.ABORTED: frozenset(),
    }

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="tap_jobs",
        help_text="Empty: asked by somebody who was not signed in.",
    )
    status = models.CharField(max_length=20, choices=TapStatus, default=TapStatus.PENDING)
    root = models.CharField(max_length=500, help_text="The address by which it was asked.")
    parameters = models.JSONField(
        default=dict, help_text="Parameters of TAP, each with its values."
    )
    uploads = models.JSONField(
        default=dict, blank=True, help_text="Stored tables that came along, by the name of each."
    )
    run_name = models.CharField(max_length=200, blank=True, help_text="What the caller calls it.")
    duration_seconds = models.FloatField(help_text="How long it may take.")
    destruction = models.DateTimeField(help_text="When it is removed with its answer.")
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    error_message = models.TextField(blank=True)
    result_path = models.CharField(max_length=500, blank=True)
    result_type = models.CharField(max_length=200, blank=True)
    rows = models.PositiveBigIntegerField(null=True, blank=True)
    is_cut = models.BooleanField(default=False, help_text="There would have been more rows.")

    class Meta:
        app_label = "catalog"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=TapStatus.values), name="tapjob_status"),
        ]
        indexes = [
            models.Index(fields=["destruction"]),
            models.Index(fields=["owner", "-id"]),
            models.Index(
                fields=["id"],
                condition=Q(status__in=["queued", "executing"]),
                name="tapjob_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"query {self.pk}"

    @property
    def query(self) -> str:
        """Give what was asked."""
        return next(iter(self.parameters.get("QUERY", ())), "")
