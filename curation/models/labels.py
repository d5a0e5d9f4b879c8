"""The words that verdicts use."""

from django.db import models

from astrid.core.models import Record
from curation.models.choices import known
from detection.models import DetectionType


class ValidationLabel(Record):
    """One word of the taxonomy, at one version of it."""

    name = models.CharField(max_length=50)
    version = models.PositiveIntegerField(default=1)
    detection_type = models.CharField(
        max_length=50, choices=DetectionType, help_text="The class that this label counts as."
    )
    is_real = models.BooleanField(help_text="Whether the label says that something is there.")
    description = models.TextField(blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="label_version_once"),
            known("detection_type", DetectionType, "label_detection_type"),
        ]

    def __str__(self) -> str:
        return self.name
