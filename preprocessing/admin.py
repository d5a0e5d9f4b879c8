"""Preprocessing runs, and the master frames that operators keep."""

from django.contrib import admin

from astrid.core.admin import RunAdmin, ValidityAdmin, json_table
from preprocessing.models import CalibrationFrame, PreprocessRun


@admin.register(PreprocessRun)
class PreprocessRunAdmin(RunAdmin):
    """How each exposure was calibrated and laid on its grid."""

    list_display = [
        "observation",
        "status",
        "calibration_applied",
        "wcs_aligned",
        "rms_mas",
        "registration_stars",
        "started_at",
        "seconds",
        "retry_count",
        "reason",
    ]
    list_select_related = ["observation"]
    list_filter = ["status", "wcs_aligned"]
    search_fields = ["observation__observation_id__startswith"]
    search_help_text = "The name of an exposure, or the id of a run or an observation"
    id_fields = ["pk", "observation_id"]
    hidden = [*RunAdmin.hidden, "wcs_info"]
    readonly_fields = [*RunAdmin.readonly_fields, "wcs_table"]
    wcs_table = json_table("wcs_info", "WCS")

    @admin.display(description="registration rms (mas)")
    def rms_mas(self, run: PreprocessRun) -> str:
        """Show the residual of the registration."""
        rms = run.registration_rms_arcsec
        return "" if rms is None else f"{1000 * rms:.0f}"


@admin.register(CalibrationFrame)
class CalibrationFrameAdmin(ValidityAdmin):
    """Master frames; staff end their validity, the file and its figures stay."""

    list_display = [
        "instrument",
        "kind",
        "filter_band",
        "exposure_time",
        "valid_from",
        "valid_to",
        "is_active",
    ]
    list_filter = ["kind", "instrument", "is_active"]
    search_fields = ["instrument__icontains"]
    search_help_text = "An instrument or an id"
    hidden = ["statistics"]
    readonly_fields = ["statistics_table"]
    statistics_table = json_table("statistics", "statistics")
