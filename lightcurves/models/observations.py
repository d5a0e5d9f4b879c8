"""Observations by missions, and the files they came in."""

from collections.abc import Collection
from typing import Any, ClassVar

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models

from astrid.core.arrays import NumpyArrayField
from lightcurves.models.instruments import Instrument
from lightcurves.models.kinds import KindRow
from lightcurves.models.rows import holding
from lightcurves.statistics import first_disorder


class Observation(KindRow, kind="observation"):
    """A stretch of time in which an instrument took cadences."""

    DERIVED: ClassVar = {
        "cadence_reference": frozenset({"n", "cadence_first", "cadence_last"}),
    }

    id = models.AutoField(primary_key=True)
    type = models.CharField(max_length=100, default="observation")
    cadence_reference = NumpyArrayField(
        dtypes=("int64", "int32"), help_text="The cadence numbers, increasing."
    )
    n = models.PositiveIntegerField(editable=False, help_text="How many cadences.")
    cadence_first = models.BigIntegerField(null=True, editable=False)
    cadence_last = models.BigIntegerField(null=True, editable=False)
    instrument = models.ForeignKey(Instrument, models.PROTECT, related_name="observations")

    class Meta(KindRow.Meta):
        ordering = ["id"]
        indexes = [
            *KindRow.Meta.indexes,
            models.Index(fields=["cadence_first", "n"], name="lc_observation_span"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.pk}"

    @classmethod
    def prepare_rows(cls, rows: Collection[Any]) -> None:
        """Check kind and cadences, and that arrays already stored still fit them."""
        super().prepare_rows(rows)
        changed = holding(rows, "cadence_reference")
        for row in changed:
            row.count_cadences()
        for row in changed:
            if not row._state.adding:
                row.check_dependents()

    def count_cadences(self) -> None:
        """Fill in number, first and last of the cadences; refuse disorder."""
        cadences = self.take_array("cadence_reference")
        wrong = first_disorder(cadences, strict=True)
        if wrong is not None:
            raise ValidationError(
                f"cadence_reference must increase; [{wrong}] is {cadences[wrong]} "
                f"after {cadences[wrong - 1]}"
            )
        self.n = cadences.size
        self.cadence_first = int(cadences[0]) if cadences.size else None
        self.cadence_last = int(cadences[-1]) if cadences.size else None

    def check_dependents(self) -> None:
        """Refuse cadences that no longer number as the arrays stored for this observation do."""
        for name in ("DataSet", "TargetSpecificTime", "QualityFlagArray"):
            model = apps.get_model("lightcurves", name)
            stored = model._base_manager.filter(observation=self.pk).exclude(n=self.n)
            if (other := stored.values_list("n", flat=True).first()) is not None:
                raise ValidationError(
                    f"cadence_reference has {self.n} cadences; a stored {name} has {other} values"
                )


def check_cadence_counts(rows: Collection[Any]) -> None:
    """Refuse rows whose ``n`` is not the number of cadences of their observation."""
    keys = {row.observation_id for row in rows}
    counts = dict(Observation._base_manager.filter(pk__in=keys).values_list("pk", "n"))
    for row in rows:
        expected = counts.get(row.observation_id, row.n)  # a missing one: the database refuses
        if row.n != expected:
            raise ValidationError(
                f"{type(row).__name__} has {row.n} values; observation {row.observation_id} "
                f"has {expected} cadences"
            )


class FITSFrame(KindRow, kind="basefits"):
    """A FITS file of one cadence: the structure its header states."""

    id = models.AutoField(primary_key=True)
    type = models.CharField(max_length=100, default="basefits")
    cadence = models.BigIntegerField()
    observation = models.ForeignKey(Observation, models.CASCADE, related_name="fits_frames")
    simple = models.BooleanField(default=True)
    bitpix = models.SmallIntegerField()
    naxis = models.PositiveSmallIntegerField()
    naxis_values = ArrayField(models.PositiveIntegerField())
    extended = models.BooleanField(default=False)
    bscale = models.FloatField(default=1.0)
    bzero = models.FloatField(default=0.0)
    file_path = models.CharField(max_length=1000)

    class Meta(KindRow.Meta):
        verbose_name = "FITS frame"
        ordering = ["type", "cadence"]
        indexes = [
            *KindRow.Meta.indexes[:1],  # the unique constraint serves type
            models.Index(fields=["cadence"], name="lc_fitsframe_cadence"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["type", "cadence"], name="fitsframe_once"),
            models.CheckConstraint(
                condition=models.Q(bitpix__in=(8, 16, 32, 64, -32, -64)), name="fitsframe_bitpix"
            ),
            models.CheckConstraint(
                condition=models.Q(naxis_values__len=models.F("naxis")), name="fitsframe_naxis"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.cadence}"
