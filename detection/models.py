"""Networks, their runs, what they found, and the objects in the sky behind it."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from astrid.core.arrays import NumpyArrayField
from astrid.core.brightness import Brightness
from astrid.core.models import Record, Run, RunStatus
from astrid.core.sky import SkyPosition, SkyQuerySet
from astrid.core.states import Transitions
from differencing.models import Candidate, DifferenceRun
from observations.models import Observation


class ModelType(models.TextChoices):
    """What a network does."""

    UNET = "unet"
    ANOMALY_DETECTOR = "anomaly_detector"
    CLASSIFIER = "classifier"
    SEGMENTATION = "segmentation"


def _fraction(name: str) -> models.CheckConstraint:
    inside = Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__range": (0, 1)})
    return models.CheckConstraint(condition=inside, name=f"model_{name}")


class Model(Record):
    """A trained network at one version."""

    name = models.CharField(max_length=100)
    version = models.CharField(max_length=50)
    model_type = models.CharField(max_length=50, choices=ModelType)
    architecture = models.JSONField(null=True, blank=True)
    hyperparameters = models.JSONField(null=True, blank=True)
    training_dataset = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001
    training_metrics = models.JSONField(null=True, blank=True)
    precision = models.FloatField(null=True, blank=True)
    recall = models.FloatField(null=True, blank=True)
    f1_score = models.FloatField(null=True, blank=True)
    accuracy = models.FloatField(null=True, blank=True)
    is_active = models.BooleanField(default=False)
    deployment_date = models.DateTimeField(null=True, blank=True)
    model_path = models.CharField(max_length=500, null=True, blank=True)  # noqa: DJ001
    sha256 = models.CharField(max_length=64, blank=True, help_text="Hash of the weights file.")
    mlflow_run_id = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001
    thresholds = models.JSONField(default=dict, blank=True)
    calibration = models.JSONField(default=dict, blank=True)
    model_card = models.TextField(blank=True)
    training_duration_seconds = models.FloatField(null=True, blank=True)
    training_energy_wh = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["name", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="model_version_once"),
            models.UniqueConstraint(
                fields=["model_type"], condition=Q(is_active=True), name="model_one_active"
            ),
            models.CheckConstraint(
                condition=Q(model_type__in=ModelType.values), name="model_type_known"
            ),
            *(_fraction(name) for name in ("precision", "recall", "f1_score", "accuracy")),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class ModelRun(Run):
    """One inference: every network in force, over one difference."""

    model = models.ForeignKey(
        Model,
        models.PROTECT,
        related_name="runs",
        help_text="Whose confidence counts: the classifier, or the U-Net where none is in force.",
    )
    unet = models.ForeignKey(
        Model,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="unet_runs",
        help_text="The network behind the mask and the confidence map.",
    )
    anomaly_detector = models.ForeignKey(
        Model,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="anomaly_runs",
        help_text="What says that a detection is like nothing learned.",
    )
    observation = models.ForeignKey(
        Observation, models.CASCADE, null=True, blank=True, related_name="model_runs"
    )
    difference_run = models.ForeignKey(
        DifferenceRun, models.CASCADE, null=True, blank=True, related_name="model_runs"
    )
    input_image_path = models.CharField(max_length=500, null=True, blank=True)  # noqa: DJ001
    output_mask_path = models.CharField(max_length=500, null=True, blank=True)  # noqa: DJ001
    confidence_map_path = models.CharField(max_length=500, null=True, blank=True)  # noqa: DJ001
    picture_path = models.CharField(
        max_length=500, blank=True, help_text="The confidence map and the mask, one picture."
    )
    inference_time_ms = models.FloatField(null=True, blank=True)
    memory_usage_mb = models.FloatField(null=True, blank=True)
    total_predictions = models.PositiveIntegerField(null=True, blank=True)
    high_confidence_predictions = models.PositiveIntegerField(null=True, blank=True)
    unscored_candidates = models.PositiveIntegerField(
        null=True, blank=True, help_text="Left without a score; the reason is on each candidate."
    )
    score_histogram = models.JSONField(null=True, blank=True, help_text="20 bins from 0 to 1.")
    library = models.CharField(max_length=100, blank=True)
    device = models.CharField(max_length=100, blank=True)

    class Meta(Run.Meta):
        ordering = ["-id"]
        constraints = [
            *Run.Meta.constraints,
            models.UniqueConstraint(
                fields=["model", "difference_run"],
                condition=~Q(status=RunStatus.FAILED),
                name="inference_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} on {self.observation}"


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
        indexes = [*SkyPosition.Meta.indexes, models.Index(fields=["-last_seen"])]

    def __str__(self) -> str:
        return self.designation


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

    objects = SkyQuerySet.as_manager()

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
            models.UniqueConstraint(fields=["model_run", "candidate"], name="detection_once"),
        ]
        indexes = [
            *SkyPosition.Meta.indexes,
            models.Index(fields=["-confidence_score"]),
            models.Index(fields=["status", "-confidence_score"], name="detection_review_order"),
            models.Index(fields=["detection_type"]),
        ]

    def __str__(self) -> str:
        return f"{self.detection_type} {self.confidence_score:.3f} at {self.ra:.5f} {self.dec:+.5f}"


class TrainingDataset(Record):
    """A labelled snapshot: who made it, when, by which rule, and what is in it."""

    name = models.CharField(max_length=255, unique=True)
    description = models.TextField(blank=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    rule = models.JSONField(default=dict, blank=True)
    sha256 = models.CharField(max_length=64)
    total_samples = models.PositiveIntegerField()
    split = models.JSONField(
        default=dict, blank=True, help_text="Sky objects per part; no object is in two parts."
    )

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class TrainingRun(Run):
    """One training of a network from a dataset."""

    dataset = models.ForeignKey(
        TrainingDataset, models.PROTECT, null=True, blank=True, related_name="training_runs"
    )
    model = models.ForeignKey(
        Model, models.SET_NULL, null=True, blank=True, related_name="training_runs"
    )
    mlflow_run_id = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001
    performance_metrics = models.JSONField(null=True, blank=True)

    class Meta(Run.Meta):
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"training {self.pk}"
