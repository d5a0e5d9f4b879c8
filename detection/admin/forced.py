"""Forced photometry: its runs, and the fluxes that they measured."""

from django.contrib import admin

from astrid.core.admin import ReadOnlyAdmin, RunAdmin
from detection.models import ForcedMeasurement, ForcedPhotometryRun


@admin.register(ForcedPhotometryRun)
class ForcedPhotometryRunAdmin(RunAdmin):
    """Looks at differences, newest first."""

    introduction = (
        "Known objects are measured on every difference that covers them, whether they were "
        "detected there or not. An object that is new has its field's other differences looked at."
    )
    list_display = [
        "created_at",
        "difference_run",
        "asked_by",
        "status",
        "measured_objects",
        "seconds",
        "reason",
    ]
    list_filter = ["status", "method_version"]
    list_select_related = [
        f"{name}__{frame}__survey"
        for name in ("difference_run", "asked_by")
        for frame in ("observation", "reference_observation")
    ] + ["difference_run__reference_image", "asked_by__reference_image"]
    id_fields = ["pk", "difference_run_id", "asked_by_id"]


@admin.register(ForcedMeasurement)
class ForcedMeasurementAdmin(ReadOnlyAdmin):
    """Fluxes at places of known objects, newest first."""

    list_display = ["sky_object", "observation", "brightness", "flux_ujy", "flux_error_ujy"]
    list_select_related = ["sky_object", "observation__survey"]
    search_fields = ["sky_object__designation__startswith"]
    id_fields = ["pk", "sky_object_id", "difference_run_id", "observation_id"]
    ordering = ["-id"]

    @admin.display(description="magnitude", empty_value="-")
    def brightness(self, row: ForcedMeasurement) -> str | None:
        """Show how bright the change is, or its limit."""
        return row.in_magnitudes() or None
