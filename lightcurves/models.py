"""The store of light curves: missions, targets and what was measured of them."""

from django.db import models

from astrid.core.models import Record


class Mission(Record):
    """A mission that measures light curves, and how it counts time."""

    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name


class MissionCatalog(models.Model):
    """A catalogue that gives a mission's targets their numbers."""

    id = models.AutoField(primary_key=True)
    host_mission = models.ForeignKey(Mission, models.CASCADE, related_name="catalogs")
    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name


class Target(models.Model):
    """One star or object of a catalogue."""

    id = models.BigAutoField(primary_key=True)
    catalog = models.ForeignKey(MissionCatalog, models.CASCADE, related_name="targets")
    name = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["catalog", "name"], name="target_once")]

    def __str__(self) -> str:
        return f"{self.catalog} {self.name}"
