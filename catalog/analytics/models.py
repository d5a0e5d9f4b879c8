"""Counts that were written where the work was done."""

from django.db import models


class Tally(models.Model):
    """One more, or one less, of something on a day; added to the summary of that day later.

    The triggers write these rows in the transaction that does the work. They only ever add rows:
    had they raised a number in place, curators who judge at the same time, and workers, would
    wait for one another at the row of the day until each transaction has ended.

    Without foreign keys: a row lives for minutes, and each key would be looked up in the hot path.
    """

    day = models.DateField()
    survey_id = models.UUIDField(null=True)
    filter_band = models.CharField(max_length=50, blank=True)
    model_id = models.UUIDField(null=True)
    curator_id = models.IntegerField(null=True)
    metric = models.CharField(max_length=100)
    bin = models.SmallIntegerField(default=-1)
    value = models.FloatField()
    count = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "tallies"

    def __str__(self) -> str:
        return f"{self.count:+d} {self.metric} on {self.day}"
