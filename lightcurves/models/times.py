"""When light reached the barycentre from a target."""

from collections.abc import Collection
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from astrid.core.arrays import NumpyArrayField
from lightcurves.models.datasets import DataSet
from lightcurves.models.missions import Target
from lightcurves.models.observations import Observation, check_cadence_counts
from lightcurves.models.rows import PreparedManager, PreparedQuerySet, PreparedRow, holding
from lightcurves.statistics import first_disorder, summarise


class TimeQuerySet(PreparedQuerySet["TargetSpecificTime"]):
    """Writes of times that tell the datasets beside them."""

    def bulk_create(self, objs: Any, *args: Any, **options: Any) -> Any:
        """Insert times and tell their datasets."""
        rows = super().bulk_create(objs, *args, **options)
        tell_datasets(rows)
        return rows

    def copy_create(self, objs: Any, *args: Any, **options: Any) -> Any:
        """Insert times by COPY and tell their datasets."""
        rows = super().copy_create(objs, *args, **options)
        tell_datasets(rows)
        return rows

    def bulk_update(self, objs: Any, *args: Any, **options: Any) -> int:
        """Update times and tell their datasets."""
        rows = list(objs)
        done = super().bulk_update(rows, *args, **options)
        tell_datasets(rows)
        return done

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete times and tell their datasets."""
        rows = list(self)
        done = super().delete()
        tell_datasets(rows)
        return done

    delete.queryset_only = True  # type: ignore[attr-defined]  # as Django marks its own
    delete.alters_data = True  # type: ignore[attr-defined]


class TimeManager(PreparedManager.from_queryset(TimeQuerySet)):  # type: ignore[misc]
    """Times without their arrays."""


class TargetSpecificTime(PreparedRow):
    """Barycentric Julian dates of one target at the cadences of one observation."""

    DERIVED: ClassVar = {"barycentric_julian_dates": frozenset({"n", "t_first", "t_last"})}

    id = models.BigAutoField(primary_key=True)
    target = models.ForeignKey(Target, models.CASCADE, related_name="times")
    observation = models.ForeignKey(Observation, models.CASCADE, related_name="times")
    barycentric_julian_dates = NumpyArrayField(
        dtypes=("float64",), help_text="TDB; NaN where the cadence has none."
    )
    n = models.PositiveIntegerField(editable=False)
    t_first = models.FloatField(null=True, editable=False)
    t_last = models.FloatField(null=True, editable=False)

    objects: ClassVar[Any] = TimeManager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["target", "observation"], name="time_once"),
        ]

    def __str__(self) -> str:
        return f"times of target {self.target_id} in observation {self.observation_id}"

    @classmethod
    def prepare_rows(cls, rows: Collection[Any]) -> None:
        """Measure the times and check their number."""
        changed = holding(rows, "barycentric_julian_dates")
        for row in changed:
            row.measure()
        check_cadence_counts(changed)

    def measure(self) -> None:
        """Fill in number, first and last; refuse times that run backwards."""
        times = self.take_array("barycentric_julian_dates")
        wrong = first_disorder(times, strict=False)
        if wrong is not None:
            raise ValidationError(f"barycentric_julian_dates run backwards at [{wrong}]")
        found = summarise(times)
        self.n, self.t_first, self.t_last = found.n, found.minimum, found.maximum

    def save(self, *args: Any, **options: Any) -> None:
        """Write the times and tell their datasets."""
        super().save(*args, **options)
        tell_datasets([self])

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        """Delete the times and tell their datasets."""
        done = super().delete(*args, **options)
        tell_datasets([self])
        return done


def tell_datasets(rows: Collection[TargetSpecificTime]) -> None:
    """Bring the span of time of the datasets beside ``rows`` up to date, in one UPDATE."""
    own = TargetSpecificTime._base_manager.filter(
        target=OuterRef("target"), observation=OuterRef("observation")
    )
    DataSet._base_manager.filter(
        target__in={row.target_id for row in rows},
        observation__in={row.observation_id for row in rows},
    ).update(
        t_first=Subquery(own.values("t_first")),
        t_last=Subquery(own.values("t_last")),
        updated_at=timezone.now(),
    )
