"""How far people agree, and what follows for each detection; made anew from the verdicts."""

from django.db import models
from django.db.models import Q

from astrid.core.models import Record
from detection.models import Detection


class AgreementRun(Record):
    """One look at all verdicts in force."""

    events = models.PositiveIntegerField(help_text="Verdicts looked at.")
    detections = models.PositiveIntegerField()
    prevalence = models.FloatField(null=True, help_text="Share of real ones, by the model.")
    curators = models.JSONField(
        default=dict, help_text="By name: votes, sensitivity, specificity of the model."
    )
    pairs = models.JSONField(
        default=list, help_text="Cohen's kappa of each pair that judged the same detections."
    )
    alpha = models.FloatField(null=True, help_text="Krippendorff's alpha, nominal.")
    queues = models.JSONField(
        default=dict, help_text="By slug: events, detections, alpha and pairs of each queue."
    )
    iterations = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"agreement of {self.created_at:%Y-%m-%d %H:%M}"


class LabelProbability(Record):
    """The probability that a detection is real, from who said what and how reliable they are."""

    run = models.ForeignKey(AgreementRun, models.CASCADE, related_name="probabilities")
    detection = models.OneToOneField(Detection, models.CASCADE, related_name="label_probability")
    probability = models.FloatField(help_text="That it is real, 0 to 1 (Dawid & Skene 1979).")
    votes = models.PositiveSmallIntegerField()
    classes = models.JSONField(
        null=True,
        blank=True,
        help_text="Probability of each label; they sum to 1. Null: none said.",
    )

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "label probabilities"
        constraints = [
            models.CheckConstraint(
                condition=Q(probability__range=(0, 1)), name="label_probability_range"
            )
        ]
        indexes = [models.Index(fields=["probability"])]

    def __str__(self) -> str:
        return f"{self.probability:.3f} that {self.detection_id} is real"
