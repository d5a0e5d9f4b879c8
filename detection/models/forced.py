"""Fluxes at the places of known objects, found there or not."""

from django.db import models
from django.db.models import Q

from astrid.core.brightness import Brightness
from astrid.core.models import Record, Run
from detection.models.findings import SkyObject
from differencing.models import DifferenceRun
from observations.models import Observation


class ForcedPhotometryRun(Run):
    """One look at a difference: whatever known objects have no flux on it yet get one."""

    difference_run = models.ForeignKey(
        DifferenceRun,
        models.CASCADE,
        related_name="forced_runs",
        help_text="What is measured.",
    )
    asked_by = models.ForeignKey(
        DifferenceRun,
        models.CASCADE,
        related_name="forced_runs_asked_for",
        help_text="The difference whose objects want it: itself, or a later one with new objects.",
    )
    method_version = models.CharField(max_length=20, help_text="Of the way fluxes are measured.")
    measured_objects = models.PositiveIntegerField(
        null=True, blank=True, help_text="So many objects got a row."
    )

    class Meta(Run.Meta):
        ordering = ["-id"]
        constraints = [
            *Run.Meta.constraints,
            models.UniqueConstraint(
                fields=["asked_by", "difference_run", "method_version"], name="forced_run_once"
            ),
        ]

    def __str__(self) -> str:
        return f"forced photometry of {self.difference_run}"


class ForcedMeasurement(Record, Brightness):
    """The flux of one object on one difference, by one version of the method."""

    sky_object = models.ForeignKey(
        SkyObject,
        models.CASCADE,
        related_name="forced_measurements",
        db_index=False,  # the constraint below begins with it
    )
    difference_run = models.ForeignKey(
        DifferenceRun, models.CASCADE, related_name="forced_measurements"
    )
    observation = models.ForeignKey(Observation, models.CASCADE, related_name="forced_measurements")
    run = models.ForeignKey(ForcedPhotometryRun, models.CASCADE, related_name="measurements")
    method_version = models.CharField(max_length=20)
    flux_ujy = models.FloatField(
        null=True, blank=True, help_text="Microjansky; empty where the zero point gives none."
    )
    flux_error_ujy = models.FloatField(null=True, blank=True, help_text="Microjansky.")
    total_flux = models.FloatField(
        null=True, blank=True, help_text="PSF flux on the science frame alone, ADU."
    )
    total_flux_error = models.FloatField(null=True, blank=True, help_text="ADU.")
    total_flux_ujy = models.FloatField(null=True, blank=True, help_text="Microjansky.")
    total_flux_error_ujy = models.FloatField(null=True, blank=True, help_text="Microjansky.")
    total_mask_bits = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Of the science frame alone; empty where it was not measured.",
    )
    hidden_share = models.FloatField(
        help_text="Of the information that masked pixels took away, 0 to 1."
    )
    mask_bits = models.PositiveIntegerField(
        default=0, help_text="All mask bits within the core of the PSF; they say why no flux is."
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            *Brightness.Meta.constraints,
            models.UniqueConstraint(
                fields=["sky_object", "difference_run", "method_version"],
                name="forced_measurement_once",
            ),
            models.CheckConstraint(
                condition=Q(hidden_share__range=(0, 1)), name="forced_hidden_share"
            ),
        ]
        indexes = [models.Index(fields=["method_version", "-id"], name="forced_of_version")]

    def __str__(self) -> str:
        return f"{self.sky_object} on {self.observation}: {self.in_magnitudes() or 'no magnitude'}"
