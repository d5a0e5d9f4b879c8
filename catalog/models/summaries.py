"""Figures of days."""

from django.conf import settings
from django.db import models

from astrid.core.models import Record


class Analytics(Record):
    """One figure of a day: tallies of what was done, added up (:mod:`catalog.analytics`)."""

    day = models.DateField()
    survey = models.ForeignKey(
        "observations.Survey", models.CASCADE, null=True, blank=True, related_name="+"
    )
    filter_band = models.CharField(max_length=50, blank=True)
    model = models.ForeignKey(
        "detection.Model", models.CASCADE, null=True, blank=True, related_name="+"
    )
    curator = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+"
    )
    metric = models.CharField(max_length=100)
    bin = models.SmallIntegerField(
        default=-1, help_text="Of a time: which bin of its sketch; -1: not a time."
    )
    value = models.FloatField(help_text="Sum of seconds, where the metric has them.")
    count = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["-day"]
        verbose_name_plural = "analytics"
        constraints = [
            models.UniqueConstraint(
                fields=["day", "metric", "survey", "filter_band", "model", "curator", "bin"],
                nulls_distinct=False,
                name="analytics_once",
            )
        ]
        indexes = [
            models.Index(
                fields=["metric"], opclasses=["varchar_pattern_ops"], name="analytics_metric_start"
            ),
            models.Index(fields=["day", "id"], name="analytics_by_day"),
            models.Index(fields=["filter_band", "-id"], name="analytics_of_band"),
        ]

    def __str__(self) -> str:
        return f"{self.metric} on {self.day}"
