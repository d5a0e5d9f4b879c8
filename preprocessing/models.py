"""Calibration frames, and the runs that make an exposure ready for subtraction."""

from django.db import models
from django.db.models import Q

from astrid.core.models import UNFINISHED, Record, Run
from observations.models import Observation


class PreprocessRun(Run):
    """One attempt to calibrate one observation and lay it on the grid of its sky cell."""

    observation = models.ForeignKey(Observation, models.CASCADE, related_name="preprocess_runs")
    grid_observation = models.ForeignKey(
        Observation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="gridded_runs",
        help_text="Whose pixel grid the product is on; empty when it is its own.",
    )
    calibration_applied = models.BooleanField(default=False)
    wcs_aligned = models.BooleanField(default=False)
    registration_quality = models.FloatField(null=True, blank=True, help_text="0 to 1.")
    registration_rms_arcsec = models.FloatField(
        null=True, blank=True, help_text="Residual of matched stars, per axis."
    )
    registration_stars = models.PositiveIntegerField(null=True, blank=True)
    processed_fits_path = models.CharField(max_length=500, null=True, blank=True)  # noqa: DJ001
    wcs_info = models.JSONField(null=True, blank=True)

    class Meta(Run.Meta):
        ordering = ["-id"]
        constraints = [
            *Run.Meta.constraints,
            models.CheckConstraint(
                condition=Q(registration_quality__isnull=True)
                | Q(registration_quality__range=(0, 1)),
                name="preprocess_quality",
            ),
            models.UniqueConstraint(
                fields=["observation"],
                condition=Q(status__in=UNFINISHED),
                name="preprocess_one_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"preprocessing of {self.observation}"


class CalibrationKind(models.TextChoices):
    """What a calibration frame corrects."""

    BIAS = "bias"
    DARK = "dark"
    FLAT = "flat"
    BAD_PIXEL_MASK = "bad_pixel_mask"


class CalibrationFrame(Record):
    """A master frame of an instrument, with the time for which it holds."""

    kind = models.CharField(max_length=20, choices=CalibrationKind)
    instrument = models.CharField(max_length=100)
    filter_band = models.CharField(max_length=50, null=True, blank=True)  # noqa: DJ001
    exposure_time = models.FloatField(null=True, blank=True, help_text="Seconds.")
    temperature = models.FloatField(null=True, blank=True, help_text="Degrees Celsius.")
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)
    file_path = models.CharField(max_length=500)
    number_of_inputs = models.PositiveIntegerField()
    statistics = models.JSONField(default=dict, blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["instrument", "kind", "-valid_from"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=CalibrationKind.values), name="calibration_kind"
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=models.F("valid_from")),
                name="calibration_validity",
            ),
        ]
        indexes = [models.Index(fields=["instrument", "kind", "valid_from"])]

    def __str__(self) -> str:
        return f"{self.instrument} {self.kind} from {self.valid_from:%Y-%m-%d}"
