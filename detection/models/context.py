"""What others know of the sky, kept here: stars, variables and asteroids of their catalogues."""

from django.db import models
from django.db.models import Q

from astrid.core.ids import new_id
from astrid.core.models import Record
from astrid.core.sky import SkyPosition, SkyQuerySet


class ContextKind(models.TextChoices):
    """What the sources of a catalogue are."""

    STAR = "star"
    VARIABLE = "variable"
    ASTEROID = "asteroid"


class ContextCatalog(Record):
    """One file of a catalogue, and what became of its rows."""

    name = models.CharField(max_length=50, help_text="gaia, vsx, asteroids.")
    kind = models.CharField(max_length=20, choices=ContextKind)
    release = models.CharField(max_length=100, blank=True, help_text="DR3, or a date.")
    file_name = models.CharField(max_length=300)
    sha256 = models.CharField(max_length=64)
    sources = models.PositiveIntegerField(help_text="Rows that were taken in.")
    refused = models.PositiveIntegerField(default=0, help_text="Rows that could not be.")
    refusals = models.JSONField(
        default=list, blank=True, help_text="Why: the first of them, by the number of the row."
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["name", "sha256"], name="context_file_once"),
            models.CheckConstraint(
                condition=Q(kind__in=ContextKind.values), name="context_catalog_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.release}".strip()


class ContextSource(SkyPosition):
    """A star, a variable, or where an asteroid was at a time."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    catalog = models.ForeignKey(ContextCatalog, models.CASCADE, related_name="rows")
    name = models.CharField(max_length=100, blank=True)
    magnitude = models.FloatField(null=True, blank=True)
    magnitude_band = models.CharField(max_length=20, blank=True)
    variable_type = models.CharField(
        max_length=50, blank=True, help_text="As the catalogue has it."
    )
    period_days = models.FloatField(null=True, blank=True)
    mjd_utc = models.FloatField(
        null=True, blank=True, help_text="When an asteroid was here, modified Julian date."
    )

    objects = SkyQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [*SkyPosition.Meta.constraints]
        indexes = [*SkyPosition.Meta.indexes]

    def __str__(self) -> str:
        return self.name or f"{self.ra:.5f} {self.dec:+.5f}"
