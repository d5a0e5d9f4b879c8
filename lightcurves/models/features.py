"""What was found in light curves."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from astrid.core.models import Dated
from lightcurves.models.datasets import DataSet


class CurveFeatures(Dated):
    """Figures of a light curve, with all that is needed to make them again."""

    class Kind(models.TextChoices):
        """Which figures."""

        STATISTICS = "statistics"
        PERIOD = "period"
        TRANSIT = "transit"

    id = models.BigAutoField(primary_key=True)
    dataset = models.ForeignKey(DataSet, models.CASCADE, related_name="features")
    kind = models.CharField(max_length=20, choices=Kind)
    version = models.CharField(max_length=20, help_text="Of the way they are reckoned.")
    parameters = models.JSONField(default=dict, help_text="What it was told.")
    features = models.JSONField(help_text="Figures by name; null where one does not exist.")
    period = models.FloatField(null=True, blank=True, help_text="Days; of a period or of transits.")

    objects: ClassVar[models.Manager["CurveFeatures"]] = models.Manager()

    class Meta:
        verbose_name_plural = "curve features"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["statistics", "period", "transit"]),
                name="curvefeatures_kind",
            ),
            models.CheckConstraint(
                condition=Q(period__isnull=True) | Q(period__gt=0), name="curvefeatures_period"
            ),
        ]
        indexes = [
            models.Index(fields=["period", "id"], name="lc_features_period"),
            models.Index(fields=["kind", "-id"], name="lc_features_kind"),
            models.Index(fields=["version", "-id"], name="lc_features_version"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of DataSet {self.dataset_id}"
