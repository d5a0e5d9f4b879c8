"""Preprocessing runs, and the master frames that operators keep."""

import base64
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from astrid.core.admin import RunAdmin, ValidityAdmin, json_table
from astrid.core.errors import AstridError
from preprocessing.models import CalibrationFrame, CalibrationRun, PreprocessRun
from preprocessing.raw import master_store


class SeeingFilter(admin.SimpleListFilter):
    """Runs by the seeing of their exposure."""

    title = "seeing (px)"
    parameter_name = "seeing_px"
    EDGES = (2, 3, 4, 6, 8)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """List the limits."""
        return [(str(edge), f"above {edge}") for edge in self.EDGES]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Keep the runs above the chosen limit."""
        chosen = self.value() or ""
        is_known = chosen in {str(edge) for edge in self.EDGES}
        return queryset.filter(seeing_px__gt=float(chosen)) if is_known else queryset


@admin.register(PreprocessRun)
class PreprocessRunAdmin(RunAdmin):
    """How each exposure was calibrated and laid on its grid."""

    list_display = [
        "observation",
        "status",
        "is_set_aside",
        "seeing",
        "depth",
        "zero_point_mag",
        "rms_mas",
        "registration_stars",
        "started_at",
        "seconds",
        "retry_count",
        "reason",
    ]
    list_select_related = ["observation"]
    list_filter = ["status", "is_set_aside", "zero_point_source", "wcs_aligned", SeeingFilter]
    search_fields = ["observation__observation_id__startswith"]
    search_help_text = "The name of an exposure, or the id of a run or an observation"
    id_fields = ["pk", "observation_id"]
    hidden = [*RunAdmin.hidden, "wcs_info"]
    readonly_fields = [*RunAdmin.readonly_fields, "wcs_table"]
    wcs_table = json_table("wcs_info", "WCS")

    @admin.display(description="seeing (px)", ordering="seeing_px")
    def seeing(self, run: PreprocessRun) -> str:
        """Show the width of the stars."""
        return "" if run.seeing_px is None else f"{run.seeing_px:.1f}"

    @admin.display(description="5 sigma limit", ordering="limiting_magnitude")
    def depth(self, run: PreprocessRun) -> str:
        """Show how faint a point source may be."""
        depth = run.limiting_magnitude
        return "" if depth is None else f"{depth:.2f} {run.photometric_system}"

    @admin.display(description="zero point", ordering="zero_point")
    def zero_point_mag(self, run: PreprocessRun) -> str:
        """Show the zero point with its error and where it comes from."""
        if run.zero_point is None:
            return ""
        error = "" if run.zero_point_error is None else f" ± {run.zero_point_error:.3f}"
        return f"{run.zero_point:.3f}{error} ({run.zero_point_source})"

    @admin.display(description="registration rms (mas)")
    def rms_mas(self, run: PreprocessRun) -> str:
        """Show the residual of the registration."""
        rms = run.registration_rms_arcsec
        return "" if rms is None else f"{1000 * rms:.0f}"


@admin.register(CalibrationRun)
class CalibrationRunAdmin(RunAdmin):
    """How each master was built, from which raw frames."""

    list_display = ["kind", "status", "started_at", "seconds", "retry_count", "reason"]
    list_filter = ["status", "kind"]


@admin.register(CalibrationFrame)
class CalibrationFrameAdmin(ValidityAdmin):
    """Master frames; staff end their validity or their use, the file and its figures stay."""

    is_large = False
    list_display = [
        "instrument",
        "kind",
        "filter_band",
        "exposure_time",
        "observed_at",
        "number_of_inputs",
        "level",
        "noise",
        "version",
        "is_active",
        "valid_to",
    ]
    list_filter = ["kind", "is_active", "filter_band", "instrument"]
    search_fields = ["instrument__icontains"]
    search_help_text = "An instrument or an id"
    ordering = ["-id"]
    introduction = (
        "Built when raw bias, dark and flat frames arrive; raw frames are calibrated by those that "
        "are active, hold at their time and fit them best."
    )
    hidden = ["statistics"]
    readonly_fields = ["picture", "statistics_table"]
    statistics_table = json_table("statistics", "statistics")
    actions = ["retire", "reactivate"]

    @admin.display(description="level")
    def level(self, frame: CalibrationFrame) -> str:
        """Show the median."""
        return _figure(frame, "level")

    @admin.display(description="noise")
    def noise(self, frame: CalibrationFrame) -> str:
        """Show the scatter of pixels."""
        return _figure(frame, "noise")

    @admin.display(description="picture")
    def picture(self, frame: CalibrationFrame) -> str:
        """Show the master, or say why it cannot be shown."""
        try:
            content = master_store.picture(frame)
        except AstridError as error:
            return str(error)
        encoded = base64.b64encode(content).decode()
        return format_html('<img src="data:image/png;base64,{}" alt="{}">', encoded, frame)

    @admin.action(description="Use selected masters no more", permissions=["operate"])
    def retire(self, request: HttpRequest, queryset: QuerySet[CalibrationFrame]) -> None:
        """Take masters out of use; what was calibrated with them stays."""
        self.run_each(request, queryset, master_store.retire, "no longer used")

    @admin.action(description="Use selected masters again", permissions=["operate"])
    def reactivate(self, request: HttpRequest, queryset: QuerySet[CalibrationFrame]) -> None:
        """Put masters back into use."""
        self.run_each(request, queryset, master_store.reactivate, "used again")


def _figure(frame: CalibrationFrame, name: str) -> str:
    value = frame.statistics.get(name)
    return "" if value is None else f"{value:.4g}"
