"""Instruments: a spacecraft has cameras, a camera has detectors."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from astrid.core.models import Record
from lightcurves.models.graph import reachable


class Instrument(Record):
    """Something that measures, whole or part."""

    name = models.CharField(max_length=100)
    properties = models.JSONField(default=dict, blank=True)
    parent = models.ForeignKey(
        "self", models.CASCADE, null=True, blank=True, related_name="children"
    )

    class Meta:
        ordering = ["name", "id"]
        # A trigger of the database refuses longer circles.
        constraints = [
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")),
                name="instrument_not_in_itself",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a parent that is the instrument itself or part of it."""
        super().clean()
        if self.parent_id is None:
            return
        if self.parent_id == self.pk or self.descendants().filter(pk=self.parent_id).exists():
            raise ValidationError({"parent": f"{self.parent} is {self} or part of it"})

    def ancestors(self) -> "models.QuerySet[Instrument]":
        """Give what this instrument is part of; `path` gives the order."""
        keys = reachable(Instrument, start="id", to="parent", key=self.pk)
        return Instrument.objects.filter(pk__in=keys)

    def descendants(self) -> "models.QuerySet[Instrument]":
        """Give all parts of this instrument, and theirs."""
        keys = reachable(Instrument, start="parent", to="id", key=self.pk)
        return Instrument.objects.filter(pk__in=keys)

    def path(self) -> "list[Instrument]":
        """Give the way from the whole down to this instrument, itself included."""
        above = {instrument.pk: instrument for instrument in self.ancestors()}
        way = [self]
        while way[-1].parent_id is not None:
            way.append(above[way[-1].parent_id])
        return way[::-1]
