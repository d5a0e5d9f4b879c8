"""Calibration frames, and the runs that make an exposure ready for subtraction."""

from enum import StrEnum

from django.db import models
from django.db.models import Q
from django.utils import timezone

from astrid.core.models import UNFINISHED, Record, Run
from observations.models import CalibrationExposure, CalibrationExposureKind, Observation
from preprocessing.photometry.magnitudes import System, ZeroPointSource


def _choices(names: type[StrEnum]) -> list[tuple[str, str]]:
    return [(str(name), str(name)) for name in names]


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
    is_set_aside = models.BooleanField(
        default=False, help_text="Its quality was beyond the limits; error_message says which."
    )
    seeing_px = models.FloatField(null=True, blank=True, help_text="FWHM of stars, pixels.")
    limiting_flux = models.FloatField(
        null=True, blank=True, help_text="Of a point source at 5 sigma, ADU."
    )
    limiting_magnitude = models.FloatField(
        null=True, blank=True, help_text="Of a point source at 5 sigma, in photometric_system."
    )
    zero_point = models.FloatField(
        null=True, blank=True, help_text="Magnitude of 1 ADU in this exposure."
    )
    zero_point_error = models.FloatField(null=True, blank=True, help_text="Magnitudes.")
    zero_point_source = models.CharField(
        max_length=20, choices=_choices(ZeroPointSource), blank=True, help_text="How it is known."
    )
    zero_point_stars = models.PositiveIntegerField(
        null=True, blank=True, help_text="Stars of the catalogue that it rests on."
    )
    photometric_system = models.CharField(
        max_length=20,
        choices=_choices(System),
        blank=True,
        help_text="An instrumental magnitude is -2.5 log10(ADU per second).",
    )
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
            models.CheckConstraint(
                condition=Q(zero_point_source__in=["", *ZeroPointSource]),
                name="preprocess_zero_point_source",
            ),
            models.CheckConstraint(
                condition=Q(photometric_system__in=["", *System]),
                name="preprocess_photometric_system",
            ),
            models.UniqueConstraint(
                fields=["observation"],
                condition=Q(status__in=UNFINISHED),
                name="preprocess_one_at_a_time",
            ),
        ]
        indexes = [
            *Run.Meta.indexes,
            models.Index(fields=["seeing_px", "id"], name="preprocess_by_seeing"),
            models.Index(fields=["limiting_magnitude", "id"], name="preprocess_by_limit"),
            models.Index(fields=["zero_point_source", "-id"], name="preprocess_of_source"),
            models.Index(
                fields=["-id"], condition=Q(is_set_aside=True), name="preprocess_set_aside"
            ),
        ]

    @property
    def calibrated_limit(self) -> float | None:
        """Limiting magnitude, where it can be compared with that of other frames."""
        if self.zero_point_source in ("", ZeroPointSource.INSTRUMENTAL):
            return None
        return self.limiting_magnitude

    def __str__(self) -> str:
        return f"preprocessing of {self.observation}"


class CalibrationKind(models.TextChoices):
    """What a calibration frame corrects."""

    BIAS = "bias"
    DARK = "dark"
    FLAT = "flat"
    BAD_PIXEL_MASK = "bad_pixel_mask"


class CalibrationRun(Run):
    """One building of a master from raw frames that belong together."""

    kind = models.CharField(max_length=20, choices=CalibrationExposureKind)
    exposures = models.ManyToManyField(CalibrationExposure, related_name="runs")

    class Meta(Run.Meta):
        ordering = ["-id"]
        constraints = [*Run.Meta.constraints]

    def __str__(self) -> str:
        return f"master {self.kind} {self.pk}"


class CalibrationFrame(Record):
    """A master frame of an instrument, with the time for which it holds."""

    run = models.ForeignKey(
        CalibrationRun,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="frames",
        help_text="What built it, from which raw frames.",
    )
    version = models.PositiveIntegerField(
        default=1, help_text="Counts up when more raw frames of the same night come."
    )
    kind = models.CharField(max_length=20, choices=CalibrationKind)
    instrument = models.CharField(max_length=100)
    filter_band = models.CharField(max_length=50, null=True, blank=True)  # noqa: DJ001
    exposure_time = models.FloatField(null=True, blank=True, help_text="Seconds.")
    temperature = models.FloatField(null=True, blank=True, help_text="Degrees Celsius.")
    holds_bias = models.BooleanField(
        default=False, help_text="Of a dark: no bias was there to be subtracted."
    )
    image_width = models.PositiveIntegerField(default=0, help_text="Of the exposed part, px.")
    image_height = models.PositiveIntegerField(default=0, help_text="Of the exposed part, px.")
    binning_x = models.PositiveSmallIntegerField(default=1)
    binning_y = models.PositiveSmallIntegerField(default=1)
    observed_at = models.DateTimeField(
        default=timezone.now, help_text="Middle of its raw frames, UTC."
    )
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
        words = [self.instrument, self.kind, self.filter_band or "", f"version {self.version}"]
        return " ".join(word for word in words if word) + f" of {self.observed_at:%Y-%m-%d}"
