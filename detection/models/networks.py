"""Networks, their runs, and what they were trained on."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from astrid.core.models import Record, Run, RunStatus
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
    is_active = models.BooleanField(
        default=False, help_text="The champion: its scores are the ones that count."
    )
    is_challenger = models.BooleanField(
        default=False, help_text="Scores beside the champion; its scores are kept and not used."
    )
    deployment_date = models.DateTimeField(null=True, blank=True)
    model_path = models.CharField(  # noqa: DJ001
        max_length=500,
        null=True,
        blank=True,
        help_text="Weights: a file that comes with the code, or the name of a stored one.",
    )
    card_path = models.CharField(
        max_length=500,
        blank=True,
        help_text="The stored card of stored weights; empty where both come with the code.",
    )
    sha256 = models.CharField(max_length=64, blank=True, help_text="Hash of the weights file.")
    mlflow_run_id = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001
    mlflow_version = models.CharField(
        max_length=50, blank=True, help_text="Version in the model registry of MLflow."
    )
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
            models.UniqueConstraint(
                fields=["model_type"], condition=Q(is_challenger=True), name="model_one_challenger"
            ),
            models.CheckConstraint(
                condition=~Q(is_active=True, is_challenger=True), name="model_one_role"
            ),
            models.CheckConstraint(
                condition=Q(model_type__in=ModelType.values), name="model_type_known"
            ),
            *(_fraction(name) for name in ("precision", "recall", "f1_score", "accuracy")),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def role(self) -> str:
        """What the network is used for: champion, challenger or nothing."""
        return "champion" if self.is_active else "challenger" if self.is_challenger else ""


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
    is_shadow = models.BooleanField(
        default=False, help_text="Of a challenger: its scores are kept and not used."
    )
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


class ShadowScore(Record):
    """What a challenger thinks of a candidate; nobody is shown or told anything by it."""

    model_run = models.ForeignKey(ModelRun, models.CASCADE, related_name="shadow_scores")
    candidate = models.ForeignKey(Candidate, models.CASCADE, related_name="shadow_scores")
    confidence = models.FloatField(help_text="Probability of being real, 0 to 1, calibrated.")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["candidate", "model_run"], name="shadow_once"),
            models.CheckConstraint(condition=Q(confidence__range=(0, 1)), name="shadow_confidence"),
        ]

    def __str__(self) -> str:
        return f"{self.confidence:.3f} for candidate {self.candidate_id}"


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
