"""Stored columns as the admin shows them: figures with their decimals, JSON as tables."""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models.options import Options

from astrid.core.tables import as_table, shown

Column = str | Callable[..., Any]

# A name means the same quantity in every table. Others are shown with six digits.
DECIMALS = {
    "ra": 6,
    "dec": 6,
    "mjd_utc": 5,
    "pixel_x": 2,
    "pixel_y": 2,
    "pixel_scale": 4,
    "exposure_time": 3,
    "airmass": 2,
    "seeing": 3,
    "registration_quality": 3,
    "registration_rms_arcsec": 4,
    "noise_level": 6,
    "detection_threshold": 2,
    "flux": 3,
    "flux_error": 3,
    "depth": 1,
    "significance": 3,
    "snr": 3,
    "fwhm": 3,
    "ellipticity": 3,
    "position_angle": 2,
    "psf_misfit": 3,
    "network_score": 4,
    "score": 4,
    "posterior": 4,
    "confidence_score": 4,
    "validation_confidence": 4,
    "precision": 4,
    "recall": 4,
    "f1_score": 4,
    "accuracy": 4,
    "min_confidence": 4,
    "inference_time_ms": 1,
    "memory_usage_mb": 1,
    "processing_time_seconds": 2,
    "radius_deg": 4,
    "training_duration_seconds": 1,
    "training_energy_wh": 2,
    "position_error_arcsec": 3,
    "completeness": 3,
    "false_positive_rate": 3,
    "median_seconds": 1,
}


@cache
def readable(meta: Options, name: Column) -> Column:
    """Give what the admin shows for a column: itself, or a function that writes it readably.

    Always the same function for the same column: the admin compares them.
    """
    try:
        column = meta.get_field(name) if isinstance(name, str) else None
    except FieldDoesNotExist:
        return name
    write = _writer_of(column)
    return name if write is None else _shown(column, write)


def _writer_of(column: Any) -> Callable[[Any], str] | None:
    if isinstance(column, models.FloatField):
        decimals = DECIMALS.get(column.name)
        return shown if decimals is None else lambda value: f"{value:.{decimals}f}"
    return as_table if isinstance(column, models.JSONField) else None


def _shown(column: Any, write: Callable[[Any], str]) -> Column:
    @admin.display(description=str(column.verbose_name), ordering=column.name)
    def show(row: models.Model) -> str | None:
        value = getattr(row, column.name)
        return None if value is None else write(value)

    show.__name__ = column.name  # by it the admin finds the column's help
    return show
