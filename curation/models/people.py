"""Who judges, and how well."""

from django.conf import settings
from django.db import models

from astrid.core.models import Record


class Curator(Record):
    """A user's review profile and measured skill."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="curator")
    expertise = models.CharField(max_length=200, blank=True)
    preferences = models.JSONField(default=dict, blank=True)
    verdicts = models.PositiveIntegerField(default=0)
    completeness = models.FloatField(null=True, blank=True, help_text="On gold items, 0 to 1.")
    false_positive_rate = models.FloatField(null=True, blank=True, help_text="On gold items.")
    median_seconds = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["user__username"]

    def __str__(self) -> str:
        return self.user.get_username()
