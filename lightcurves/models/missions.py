"""Missions, their catalogues, and what they look at."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.urls import reverse

from astrid.core.models import Dated, Record
from astrid.core.sky import HealpixField, SkyPosition, SkyQuerySet
from lightcurves.time_formats import SCALES, check_epoch_format, register_epoch_format

if TYPE_CHECKING:
    from astropy.time import TimeFromEpoch


class Mission(Record):
    """A mission that measures light curves, and how it counts time."""

    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(blank=True)
    time_unit = models.CharField(max_length=20, default="d", help_text="Astropy unit: d or s.")
    time_epoch = models.DecimalField(
        max_digits=24,
        decimal_places=12,
        default=Decimal(0),
        help_text="Zero of the mission's count of time, in the epoch's format.",
    )
    time_epoch_scale = models.CharField(
        max_length=10, choices=[(scale, scale) for scale in SCALES], default="tdb"
    )
    time_epoch_format = models.CharField(max_length=20, default="jd")
    time_format_name = models.CharField(
        max_length=50, unique=True, help_text="What astropy calls the count: btjd, say."
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(time_epoch_scale__in=SCALES), name="mission_scale"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a count of time that astropy cannot make."""
        super().clean()
        try:
            check_epoch_format(**self._time_format())
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def register_time_format(self) -> "type[TimeFromEpoch]":
        """Let astropy read and write this mission's times: ``Time(1325.5, format="btjd")``."""
        return register_epoch_format(**self._time_format())

    def _time_format(self) -> dict[str, Any]:
        return {
            "name": self.time_format_name,
            "unit": self.time_unit,
            "epoch": self.time_epoch,
            "epoch_scale": self.time_epoch_scale,
            "epoch_format": self.time_epoch_format,
        }


class MissionCatalog(Dated):
    """A catalogue that gives a mission's targets their numbers."""

    id = models.AutoField(primary_key=True)
    host_mission = models.ForeignKey(Mission, models.CASCADE, related_name="catalogs")
    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class TargetQuerySet(SkyQuerySet["Target"]):
    """Targets, some of which nobody gave a position."""

    def cone_search(self, ra: float, dec: float, radius_deg: float) -> Self:
        """Keep targets in a cone, the whole sky too: they have a position."""
        return super().cone_search(ra, dec, radius_deg).filter(hpx__isnull=False)


class Target(SkyPosition, Dated):
    """One star or object of a catalogue."""

    id = models.BigAutoField(primary_key=True)
    catalog = models.ForeignKey(MissionCatalog, models.CASCADE, related_name="targets")
    name = models.BigIntegerField()
    ra = models.FloatField(null=True, blank=True, help_text="Degrees, ICRS, where it is known.")  # type: ignore[assignment]
    dec = models.FloatField(null=True, blank=True, help_text="Degrees, ICRS, where it is known.")  # type: ignore[assignment]
    hpx = HealpixField(null=True, editable=False, help_text="HEALPix cell, order 29, nested.")  # type: ignore[assignment]

    objects = TargetQuerySet.as_manager()

    class Meta(SkyPosition.Meta):
        constraints = [
            models.UniqueConstraint(fields=["catalog", "name"], name="target_once"),
            *SkyPosition.Meta.constraints,
            models.CheckConstraint(
                condition=Q(ra__isnull=True, dec__isnull=True)
                | Q(ra__isnull=False, dec__isnull=False),
                name="target_ra_with_dec",
            ),
        ]
        indexes = [models.Index(fields=["name"]), *SkyPosition.Meta.indexes]

    def __str__(self) -> str:
        return f"{self.catalog} {self.name}"

    def get_absolute_url(self) -> str:
        """Give the address of its page."""
        return reverse("lightcurves:target", args=[self.pk])
