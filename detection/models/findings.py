"""What networks found, and the objects in the sky behind it."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.urls import reverse

from astrid.core.arrays import NumpyArrayField
from astrid.core.brightness import Brightness
from astrid.core.models import Record
from astrid.core.sky import SkyPosition, SkyQuerySet
from astrid.core.states import Transitions
from detection.models.networks import ModelRun
from differencing.models import Candidate
from observations.models import Observation


class DetectionType(models.TextChoices):
    """What a detection looks like."""

    SUPERNOVA = "supernova"
    VARIABLE = "variable"
    TRANSIENT = "transient"
    UNKNOWN = "unknown"
    ARTIFACT = "artifact"


class SkyObject(Record, SkyPosition):
    """One thing in the sky, seen at one or more epochs."""

    designation = models.CharField(max_length=50, unique=True, help_text="AstrID J... by position.")
    number_of_detections = models.PositiveIntegerField(default=0)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    best_class = models.CharField(
        max_length=50, choices=DetectionType, default=DetectionType.UNKNOWN
    )
    light_curve_target = models.ForeignKey(
        "lightcurves.Target", models.SET_NULL, null=True, blank=True, related_name="sky_objects"
    )

    objects = SkyQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            *SkyPosition.Meta.constraints,
            models.CheckConstraint(
                condition=Q(best_class__in=DetectionType.values), name="skyobject_class"
            ),
        ]
        indexes = [
            *SkyPosition.Meta.indexes,
            models.Index(fields=["-last_seen", "-id"]),
            models.Index(fields=["-number_of_detections", "-id"], name="skyobject_by_number"),
            models.Index(fields=["best_class", "-last_seen", "-id"]),
        ]

    def __str__(self) -> str:
        return self.designation

    def get_absolute_url(self) -> str:
        """Give the address of the page about the object."""
        return reverse("curation:object", args=[self.pk])


class DetectionStatus(models.TextChoices):
    """How far people have come with a detection."""

    PENDING = "pending"
    VALIDATING = "validating"
    VALIDATED = "validated"
    REJECTED = "rejected"
    CONFIRMED = "confirmed"
    ARCHIVED = "archived"


_D = DetectionStatus
# Verdicts may be taken back (a later event supersedes), so judged states lead to one another.
_JUDGED = frozenset({_D.VALIDATING, _D.VALIDATED, _D.REJECTED, _D.CONFIRMED})


class DetectionQuerySet(SkyQuerySet):
    """Questions asked of detections more than once."""

    def believed(self) -> Self:
        """Leave out what the network rejected and chance drew for an audit."""
        return self.filter(is_audit=False)


class Detection(Record, SkyPosition, Brightness):
    """Something the network believes in."""

    TRANSITIONS: ClassVar[Transitions] = {
        _D.PENDING: frozenset({_D.VALIDATING, _D.VALIDATED, _D.REJECTED, _D.ARCHIVED}),
        _D.VALIDATING: _JUDGED | {_D.PENDING, _D.ARCHIVED},
        _D.VALIDATED: _JUDGED | {_D.ARCHIVED},
        _D.REJECTED: _JUDGED | {_D.ARCHIVED},
        _D.CONFIRMED: _JUDGED | {_D.ARCHIVED},
        _D.ARCHIVED: frozenset(),
    }

    model_run = models.ForeignKey(ModelRun, models.CASCADE, related_name="detections")
    observation = models.ForeignKey(Observation, models.CASCADE, related_name="detections")
    candidate = models.ForeignKey(
        Candidate, models.SET_NULL, null=True, blank=True, related_name="detections"
    )
    sky_object = models.ForeignKey(
        SkyObject, models.SET_NULL, null=True, blank=True, related_name="detections"
    )
    pixel_x = models.FloatField(help_text="Column, pixels from 0, with its fraction.")
    pixel_y = models.FloatField(help_text="Row, pixels from 0, with its fraction.")
    confidence_score = models.FloatField(help_text="Probability of being real, 0 to 1, calibrated.")
    uncertainty = models.FloatField(
        null=True, blank=True, help_text="Standard deviation of the confidence in the ensemble."
    )
    class_probabilities = models.JSONField(
        null=True, blank=True, help_text="Probability of each class; they sum to 1."
    )
    novelty = models.FloatField(
        null=True,
        blank=True,
        help_text="Distance from all that was learned; above 1 the type is unknown.",
    )
    embedding = NumpyArrayField(
        null=True, blank=True, dtypes=("float16",), help_text="What the classifier saw in it."
    )
    detection_type = models.CharField(max_length=50, choices=DetectionType)
    model_version = models.CharField(max_length=50)
    inference_time_ms = models.FloatField(null=True, blank=True)
    prediction_metadata = models.JSONField(null=True, blank=True)
    cutouts_path = models.CharField(
        max_length=500, blank=True, help_text="Science, reference, difference and S_corr pixels."
    )
    thumbnail_path = models.CharField(
        max_length=500, blank=True, help_text="Science, reference and difference, one picture."
    )
    status = models.CharField(
        max_length=50, choices=DetectionStatus, default=DetectionStatus.PENDING
    )
    is_validated = models.BooleanField(default=False)
    validation_confidence = models.FloatField(null=True, blank=True)
    human_label = models.CharField(max_length=50, null=True, blank=True)  # noqa: DJ001

    is_audit = models.BooleanField(
        default=False,
        help_text="Drawn at random from candidates that the network rejected, to count its misses.",
    )
    sampling_weight = models.FloatField(
        default=1.0, help_text="How many candidates of its kind this one stands for."
    )

    objects = DetectionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            *SkyPosition.Meta.constraints,
            *Brightness.Meta.constraints,
            models.CheckConstraint(
                condition=Q(confidence_score__range=(0, 1)), name="detection_confidence"
            ),
            models.CheckConstraint(
                condition=Q(validation_confidence__isnull=True)
                | Q(validation_confidence__range=(0, 1)),
                name="detection_validation_confidence",
            ),
            models.CheckConstraint(
                condition=Q(uncertainty__isnull=True) | Q(uncertainty__range=(0, 1)),
                name="detection_uncertainty",
            ),
            models.CheckConstraint(
                condition=Q(novelty__isnull=True) | Q(novelty__gte=0), name="detection_novelty"
            ),
            models.CheckConstraint(
                condition=Q(detection_type__in=DetectionType.values), name="detection_type_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=DetectionStatus.values), name="detection_status"
            ),
            models.CheckConstraint(
                condition=Q(sampling_weight__gte=1), name="detection_sampling_weight"
            ),
            models.UniqueConstraint(fields=["model_run", "candidate"], name="detection_once"),
        ]
        indexes = [
            *SkyPosition.Meta.indexes,
            models.Index(fields=["-confidence_score", "-id"]),
            models.Index(
                fields=["status", "-confidence_score", "-id"], name="detection_review_order"
            ),
            models.Index(fields=["detection_type", "-confidence_score", "-id"]),
            models.Index(fields=["magnitude", "id"]),
            models.Index(
                fields=["-confidence_score", "-id"],
                condition=Q(is_audit=True),
                name="detection_audit_order",
            ),
            # Nothing that a network writes is in these: they cost it nothing.
            models.Index(
                fields=["human_label", "-id"],
                condition=Q(human_label__isnull=False),
                name="detection_labelled",
            ),
            models.Index(
                fields=["-id"], condition=Q(is_validated=True), name="detection_validated"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.detection_type} {self.confidence_score:.3f} at {self.ra:.5f} {self.dec:+.5f}"

    def get_absolute_url(self) -> str:
        """Give the address of the page about its object, at its epoch."""
        return reverse("curation:detection", args=[self.pk])
