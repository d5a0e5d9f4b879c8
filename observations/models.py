"""Surveys, the images they took, and the passes that brought them in."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from astrid.core.models import Progressing, Record, Run
from astrid.core.sky import SkyPosition, SkyQuerySet
from astrid.core.states import Transitions
from observations.frame_kind import FrameKind
from observations.night_number import NIGHT


class ObservationStatus(models.TextChoices):
    """How far an observation has travelled."""

    INGESTED = "ingested"
    PREPROCESSING = "preprocessing"
    PREPROCESSED = "preprocessed"
    DIFFERENCING = "differencing"
    DIFFERENCED = "differenced"
    FAILED = "failed"
    ARCHIVED = "archived"


_S = ObservationStatus
TRANSITIONS: Transitions = {
    _S.INGESTED: frozenset({_S.PREPROCESSING, _S.FAILED, _S.ARCHIVED}),
    _S.PREPROCESSING: frozenset({_S.PREPROCESSED, _S.FAILED}),
    _S.PREPROCESSED: frozenset({_S.DIFFERENCING, _S.FAILED, _S.ARCHIVED}),
    _S.DIFFERENCING: frozenset({_S.DIFFERENCED, _S.FAILED}),
    _S.DIFFERENCED: frozenset({_S.ARCHIVED, _S.FAILED}),
    _S.FAILED: frozenset({_S.INGESTED, _S.ARCHIVED}),
    _S.ARCHIVED: frozenset(),
}


class Role(models.TextChoices):
    """What an observation is for."""

    SCIENCE = "science"
    REFERENCE = "reference"


class CalibrationExposureKind(models.TextChoices):
    """What a raw frame calibrates."""

    BIAS = FrameKind.BIAS.value
    DARK = FrameKind.DARK.value
    FLAT = FrameKind.FLAT.value


class Adapter(models.TextChoices):
    """Where the images of a survey come from."""

    DIRECTORY = "directory"


class Survey(Record):
    """Where observations come from."""

    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(null=True, blank=True)  # noqa: DJ001 -- nullable by the schema
    base_url = models.CharField(max_length=500, null=True, blank=True)  # noqa: DJ001
    api_endpoint = models.CharField(max_length=500, null=True, blank=True)  # noqa: DJ001
    is_active = models.BooleanField(default=True)
    adapter = models.CharField(max_length=50, choices=Adapter, default=Adapter.DIRECTORY)
    adapter_settings = models.JSONField(
        default=dict,
        blank=True,
        help_text="For a directory: {'directory': '/data/night', 'rules': {...}}.",
    )
    star_catalog_path = models.CharField(
        max_length=500,
        blank=True,
        help_text="The stored star catalogue that calibrates its frames, from the ingestion rules.",
    )
    schedule = models.ForeignKey(
        "django_celery_beat.CrontabSchedule",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="surveys",
        help_text="When to look for new images; empty means only when asked.",
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(adapter__in=Adapter.values), name="observations_survey_adapter"
            ),
        ]

    def __str__(self) -> str:
        return self.name


def same_camera(survey: Any, instrument: Any) -> Q:
    """Ask for rows of one survey or one camera; values or ``OuterRef`` of them.

    Frames of one camera can be subtracted from one another, whichever survey took them. An empty
    name is no camera.
    """
    return Q(survey=survey) | (Q(instrument=instrument) & ~Q(instrument=""))


class ObservationQuerySet(SkyQuerySet["Observation"]):
    """Questions asked of observations more than once."""

    def comparable_to(self, observation: "Observation") -> "ObservationQuerySet":
        """Observations of the same survey or camera, through the same filter."""
        return self.filter(
            same_camera(observation.survey_id, observation.instrument),
            filter_band=observation.filter_band,
        )

    def references(self) -> "ObservationQuerySet":
        """Observations taken as a baseline."""
        return self.filter(role=Role.REFERENCE)

    def science(self) -> "ObservationQuerySet":
        """Observations searched for change."""
        return self.filter(role=Role.SCIENCE)


def _positive(name: str) -> Q:
    """Ask for a number above zero; PostgreSQL counts NaN as one, above Infinity."""
    return Q((f"{name}__gt", 0), (f"{name}__lt", float("inf")))


class Observation(Record, SkyPosition):
    """One exposure: a FITS image, its pointing and its weather."""

    TRANSITIONS: ClassVar[Transitions] = TRANSITIONS

    survey = models.ForeignKey(Survey, models.PROTECT, related_name="observations")
    observation_id = models.CharField(max_length=255, help_text="The survey's own name for it.")
    role = models.CharField(max_length=20, choices=Role, default=Role.SCIENCE)
    is_searched = models.BooleanField(
        default=True, help_text="Whether something is subtracted from it."
    )
    epoch = models.CharField(
        max_length=100, blank=True, help_text="Group named by the ingestion rules, if any."
    )
    observation_time = models.DateTimeField(help_text="Start of the exposure, UTC.")
    mjd_utc = models.FloatField(help_text="Start of the exposure, modified Julian date, UTC.")
    filter_band = models.CharField(max_length=50)
    exposure_time = models.FloatField(help_text="Seconds.")
    fits_url = models.CharField(max_length=1000, help_text="Where the image was found.")
    pixel_scale = models.FloatField(null=True, blank=True, help_text="Arcseconds per pixel.")
    image_width = models.PositiveIntegerField(null=True, blank=True)
    image_height = models.PositiveIntegerField(null=True, blank=True)
    footprint = models.JSONField(
        null=True, blank=True, help_text="Corners [[ra, dec], ...], degrees, ICRS."
    )
    radius_deg = models.FloatField(
        null=True, blank=True, help_text="From the centre to the farthest corner, degrees."
    )
    airmass = models.FloatField(null=True, blank=True)
    seeing = models.FloatField(null=True, blank=True, help_text="FWHM, arcseconds.")
    limiting_magnitude = models.FloatField(
        null=True, blank=True, help_text="Of a point source at 5 sigma, where it is calibrated."
    )
    is_accepted = models.BooleanField(
        default=False, help_text="An operator wants it processed, whatever its quality."
    )
    site = models.CharField(
        max_length=100, blank=True, help_text="Observatory, as the header says."
    )
    site_longitude = models.FloatField(
        null=True, blank=True, help_text="Of the site, degrees, east positive, -180 to 180."
    )
    instrument = models.CharField(
        max_length=100, blank=True, help_text="Camera, as the header or the rule file names it."
    )
    gain = models.FloatField(help_text="Electrons per ADU.")
    read_noise = models.FloatField(help_text="Electrons.")
    saturation = models.FloatField(help_text="ADU.")
    status = models.CharField(
        max_length=50, choices=ObservationStatus, default=ObservationStatus.INGESTED
    )
    status_reason = models.TextField(blank=True, help_text="Why it failed, in one sentence.")
    fits_file_path = models.CharField(max_length=500, null=True, blank=True)  # noqa: DJ001
    hdu = models.PositiveIntegerField(default=0, help_text="Extension that holds the pixels.")
    is_raw = models.BooleanField(
        default=False, help_text="Bias, dark and flat are still to be applied."
    )
    file_sha256 = models.CharField(max_length=64, help_text="Hash of the file as it came.")
    pixel_sha256 = models.CharField(max_length=64, help_text="Hash of the pixels alone.")
    thumbnail_path = models.CharField(max_length=500, null=True, blank=True)  # noqa: DJ001

    objects = ObservationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            *SkyPosition.Meta.constraints,
            models.UniqueConstraint(fields=["survey", "observation_id"], name="observation_once"),
            models.CheckConstraint(
                condition=_positive("exposure_time"), name="observation_exposure"
            ),
            models.CheckConstraint(
                condition=Q(airmass__isnull=True) | _positive("airmass"), name="observation_airmass"
            ),
            models.CheckConstraint(
                condition=Q(seeing__isnull=True) | _positive("seeing"), name="observation_seeing"
            ),
            models.CheckConstraint(
                condition=Q(status__in=ObservationStatus.values), name="observation_status"
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="observation_role"),
            models.CheckConstraint(
                condition=Q(site_longitude__isnull=True) | Q(site_longitude__range=(-180, 180)),
                name="observation_site_longitude",
            ),
        ]
        indexes = [
            *SkyPosition.Meta.indexes,
            models.Index(fields=["observation_time", "id"], name="observation_by_time"),
            models.Index(fields=["seeing", "id"], name="observation_by_seeing"),
            models.Index(fields=["limiting_magnitude", "id"], name="observation_by_limit"),
            models.Index(fields=["filter_band", "-id"], name="observation_of_band"),
            models.Index(fields=["epoch", "-id"], name="observation_of_epoch"),
            models.Index(fields=["role", "-id"], name="observation_of_role"),
            models.Index(
                fields=["-id"], condition=Q(is_accepted=True), name="observation_accepted"
            ),
            models.Index(
                fields=["observation_id"],
                opclasses=["varchar_pattern_ops"],
                name="observation_name_start",
            ),
            models.Index(fields=["status", "role"]),
            models.Index(NIGHT.copy(), name="observation_night"),
        ]

    def __str__(self) -> str:
        return self.observation_id


class CalibrationExposure(Record):
    """A raw bias, dark or flat frame: it shows no sky, and is never searched."""

    survey = models.ForeignKey(Survey, models.PROTECT, related_name="calibration_exposures")
    name = models.CharField(max_length=255, help_text="The path below the survey's folder.")
    kind = models.CharField(max_length=20, choices=CalibrationExposureKind)
    instrument = models.CharField(max_length=100, blank=True)
    filter_band = models.CharField(max_length=50, null=True, blank=True)  # noqa: DJ001
    exposure_time = models.FloatField(help_text="Seconds.")
    temperature = models.FloatField(null=True, blank=True, help_text="Of the detector.")
    observation_time = models.DateTimeField(help_text="Start of the exposure, UTC.")
    image_width = models.PositiveIntegerField(help_text="As read, overscan and all.")
    image_height = models.PositiveIntegerField(help_text="As read, overscan and all.")
    binning_x = models.PositiveSmallIntegerField(default=1)
    binning_y = models.PositiveSmallIntegerField(default=1)
    gain = models.FloatField(null=True, blank=True, help_text="Electrons per ADU.")
    read_noise = models.FloatField(null=True, blank=True, help_text="Electrons.")
    saturation = models.FloatField(null=True, blank=True, help_text="ADU.")
    hdu = models.PositiveIntegerField(
        null=True, blank=True, help_text="The image to read; empty for all of a raw file."
    )
    fits_url = models.CharField(max_length=1000, help_text="Where the image was found.")
    fits_file_path = models.CharField(max_length=500)
    file_sha256 = models.CharField(max_length=64, help_text="Hash of the file as it came.")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["survey", "name"], name="calibration_exposure_once"),
            models.CheckConstraint(
                condition=Q(kind__in=CalibrationExposureKind.values),
                name="calibration_exposure_kind",
            ),
            models.CheckConstraint(
                condition=Q(exposure_time__gte=0, exposure_time__lt=float("inf")),
                name="calibration_exposure_time",
            ),
        ]
        indexes = [
            models.Index(fields=["survey", "kind"]),
            models.Index(fields=["observation_time", "id"], name="raw_frame_by_time"),
            models.Index(fields=["kind", "-id"], name="raw_frame_of_kind"),
            models.Index(fields=["filter_band", "-id"], name="raw_frame_of_band"),
            models.Index(fields=["instrument", "-id"], name="raw_frame_of_camera"),
            models.Index(
                fields=["name"], opclasses=["varchar_pattern_ops"], name="raw_frame_name_start"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ObservationRun(Progressing, Run):
    """One ingestion pass over a source of images."""

    survey = models.ForeignKey(Survey, models.CASCADE, related_name="runs")
    source = models.CharField(max_length=1000, help_text="Directory or service that was read.")
    window_start = models.DateTimeField(null=True, blank=True)
    window_end = models.DateTimeField(null=True, blank=True)
    found = models.PositiveIntegerField(default=0)
    new = models.PositiveIntegerField(default=0)
    known = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    left_out = models.PositiveIntegerField(default=0, help_text="Files the rules do not name.")
    calibration = models.PositiveIntegerField(
        default=0, help_text="New bias, dark and flat frames, which are no observations."
    )
    refusals = models.JSONField(
        default=list, blank=True, help_text="[{'file': ..., 'reason': ...}]"
    )

    class Meta(Run.Meta):
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.survey} from {self.source}"
