"""Files of rows that somebody asked for: exports and matched tables."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from astrid.core.models import Progressing, Run, share_done
from catalog.exports.models import ExportFormat, SavedQuery


class ExportJob(Progressing, Run):
    """One file of rows that somebody asked for."""

    file_format = models.CharField(max_length=20, choices=ExportFormat)
    query = models.JSONField(default=dict, blank=True)
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="exports"
    )
    saved_query = models.ForeignKey(
        SavedQuery, models.SET_NULL, null=True, blank=True, related_name="files"
    )
    is_scheduled = models.BooleanField(
        default=False, help_text="Made at the hour of its saved query; a failure is told of."
    )
    rows = models.PositiveBigIntegerField(null=True, blank=True)
    file_path = models.CharField(max_length=500, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)

    class Meta(Run.Meta):
        ordering = ["-id"]
        constraints = [
            *Run.Meta.constraints,
            models.CheckConstraint(
                condition=Q(file_format__in=ExportFormat.values), name="export_format"
            ),
        ]
        indexes = [
            *Run.Meta.indexes,
            models.Index(fields=["file_format", "-id"], name="export_of_format"),
        ]

    def __str__(self) -> str:
        return f"{self.file_format} export"


class CrossmatchTarget(models.TextChoices):
    """What a table is matched with."""

    OBJECTS = "objects"
    ENTRIES = "entries"
    DETECTIONS = "detections"
    CONTEXT = "context"


class CrossmatchJob(Run):
    """A table that somebody sent, to be matched with rows of ours by position."""

    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="crossmatches"
    )
    target = models.CharField(max_length=20, choices=CrossmatchTarget)
    radius_arcsec = models.FloatField()
    is_best = models.BooleanField(
        default=True, help_text="The nearest row for each position, or all within the radius."
    )
    file_format = models.CharField(max_length=20, choices=ExportFormat)
    upload_path = models.CharField(max_length=500)
    upload_name = models.CharField(max_length=200, help_text="What the sent file was called.")
    ra_column = models.CharField(max_length=100)
    dec_column = models.CharField(max_length=100)
    positions = models.PositiveIntegerField(help_text="Rows of the table.")
    positions_done = models.PositiveIntegerField(default=0, help_text="How far it has come.")
    progress = share_done("positions_done", "positions")
    positions_missing = models.PositiveIntegerField(
        default=0, help_text="Rows of the table without a place on the sky."
    )
    rows = models.PositiveBigIntegerField(null=True, blank=True, help_text="Matches found.")
    file_path = models.CharField(max_length=500, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)

    @property
    def work_done(self) -> int:
        """Give how far it has come, as other work says it."""
        return self.positions_done

    @property
    def work_total(self) -> int:
        """Give of how many."""
        return self.positions

    class Meta(Run.Meta):
        ordering = ["-id"]
        constraints = [
            *Run.Meta.constraints,
            models.CheckConstraint(
                condition=Q(file_format__in=ExportFormat.values), name="crossmatch_format"
            ),
            models.CheckConstraint(
                condition=Q(target__in=CrossmatchTarget.values), name="crossmatch_target"
            ),
            models.CheckConstraint(condition=Q(radius_arcsec__gt=0), name="crossmatch_radius"),
        ]
        indexes = [*Run.Meta.indexes, models.Index(fields=["requester", "-id"])]

    def __str__(self) -> str:
        return f"{self.upload_name} with {self.target}"
