"""Other ways to keep light curves: a column of numbers per curve, a row per point."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models

Curve = tuple[npt.NDArray[Any], npt.NDArray[Any]]
_BATCH = 10_000


class ArrayCurve(models.Model):
    """``double precision[]`` columns, as Django writes and reads them."""

    id = models.AutoField(primary_key=True)
    values = ArrayField(models.FloatField())
    errors = ArrayField(models.FloatField())

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        app_label = "benchmarks"
        managed = False

    def __str__(self) -> str:
        return f"curve {self.pk}"


class Point(models.Model):
    """One point of a curve."""

    id = models.BigAutoField(primary_key=True)
    curve = models.IntegerField()
    cadence = models.IntegerField()
    value = models.FloatField()
    error = models.FloatField()

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        app_label = "benchmarks"
        managed = False
        indexes = [models.Index(fields=["curve", "cadence"], name="benchmark_point_curve")]

    def __str__(self) -> str:
        return f"point {self.cadence} of curve {self.curve}"


@contextmanager
def tables() -> Iterator[None]:
    """Make the peers' tables while the block runs."""
    with connection.schema_editor() as editor:
        editor.create_model(ArrayCurve)
        editor.create_model(Point)
    yield
    with connection.schema_editor() as editor:
        editor.delete_model(ArrayCurve)
        editor.delete_model(Point)


def write_arrays(curves: list[Curve]) -> None:
    """Write curves as columns of numbers."""
    ArrayCurve.objects.bulk_create(
        ArrayCurve(values=values.tolist(), errors=errors.tolist()) for values, errors in curves
    )


def read_arrays() -> int:
    """Read all curves that are columns of numbers, as arrays; count the numbers."""
    rows = ArrayCurve.objects.order_by("pk")
    return sum(np.asarray(row.values).size + np.asarray(row.errors).size for row in rows)


def read_array_part(key: int, start: int, stop: int) -> Any:
    """Read some numbers of one curve."""
    part = f"values__{start}_{stop}"
    return np.asarray(ArrayCurve.objects.values_list(part, flat=True).get(pk=key))


def write_points(curves: list[Curve], first: int) -> None:
    """Write curves as points."""
    for number, (values, errors) in enumerate(curves, first):
        points = zip(values.tolist(), errors.tolist(), strict=True)
        Point.objects.bulk_create(
            (
                Point(curve=number, cadence=cadence, value=value, error=error)
                for cadence, (value, error) in enumerate(points)
            ),
            batch_size=_BATCH,
        )


def read_points(number: int) -> int:
    """Read a curve that is points, as arrays; count the numbers."""
    rows = Point.objects.filter(curve=number).order_by("cadence").values_list("value", "error")
    return np.array(list(rows)).size
