"""Queries that people keep, to have their rows again."""

from typing import Any, Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from astrid.core.models import Record


class ExportFormat(models.TextChoices):
    """What a file of rows looks like."""

    CSV = "csv", "CSV"
    JSONL = "jsonl", "JSON Lines"
    PARQUET = "parquet", "Parquet"
    FITS = "fits", "FITS table"
    VOTABLE = "votable", "VOTable"
    DS9 = "ds9", "DS9 regions"


class SavedQueryQuerySet(models.QuerySet["SavedQuery"]):
    """Questions asked of saved queries more than once."""

    def shown_to(self, person: Any) -> Self:
        """Keep one's own, and those that others share."""
        return self.filter(Q(owner=person.pk) | Q(is_shared=True))


class SavedQuery(Record):
    """A query with a name: run when asked, or every night."""

    name = models.CharField(max_length=100)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_queries"
    )
    adql = models.TextField(help_text="A table such as astrid.detections, or SELECT ... in ADQL.")
    file_format = models.CharField(max_length=20, choices=ExportFormat, default=ExportFormat.CSV)
    is_shared = models.BooleanField(
        default=False, help_text="Others may run it, with what they themselves may see."
    )
    hour = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(23)],
        help_text="Hour, UTC, at which its file is made every night; empty: only when asked.",
    )
    keep = models.PositiveSmallIntegerField(
        default=7,
        validators=[MinValueValidator(1), MaxValueValidator(366)],
        help_text="Files of it that are kept for each person; older ones are removed.",
    )

    objects = SavedQueryQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        verbose_name_plural = "saved queries"
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="savedquery_name_once"),
            models.CheckConstraint(
                condition=Q(file_format__in=ExportFormat.values), name="savedquery_format"
            ),
            models.CheckConstraint(
                condition=Q(hour__isnull=True) | Q(hour__lte=23), name="savedquery_hour"
            ),
            models.CheckConstraint(condition=Q(keep__range=(1, 366)), name="savedquery_keep"),
        ]
        indexes = [models.Index(fields=["is_shared", "name"], name="savedquery_shared")]

    def __str__(self) -> str:
        return self.name

    def may_be_changed_by(self, person: Any) -> bool:
        """Say whether it is somebody's own; superusers keep everybody's."""
        return bool(person.is_superuser or self.owner_id == person.pk)
