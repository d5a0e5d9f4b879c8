"""Analyses from the admin, and what they found."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.utils.html import format_html, format_html_join

from astrid.core.admin import ReadOnlyAdmin
from lightcurves.analysing import ANALYSES, analyse
from lightcurves.exporting.tables import with_all
from lightcurves.models import CurveFeatures

# A request should not take longer than people wait; a period takes about a second.
MOST_CURVES = 20


class AnalysisActions:
    """Actions on datasets, with the parameters that are usual."""

    actions: Sequence[Any] | None = (
        "measure_statistics",
        "search_period",
        "search_transit",
        "take_trend_out",
    )

    @admin.action(description="Measure variability of selected curves", permissions=["operate"])
    def measure_statistics(self, request: Any, queryset: Any) -> None:
        """Store figures of how the curves vary."""
        self._analyse(request, queryset, "statistics")

    @admin.action(description="Find periods of selected curves", permissions=["operate"])
    def search_period(self, request: Any, queryset: Any) -> None:
        """Store the periods of the curves."""
        self._analyse(request, queryset, "period")

    @admin.action(description="Find transits in selected curves", permissions=["operate"])
    def search_transit(self, request: Any, queryset: Any) -> None:
        """Store the transits in the curves."""
        self._analyse(request, queryset, "transit")

    @admin.action(description="Detrend selected curves", permissions=["operate"])
    def take_trend_out(self, request: Any, queryset: Any) -> None:
        """Store curves without their trends, derived from these."""
        self._analyse(request, queryset, "detrend")

    def _analyse(self: Any, request: Any, queryset: Any, name: str) -> None:
        keys = list(queryset.values_list("pk", flat=True)[: MOST_CURVES + 1])
        if len(keys) > MOST_CURVES:
            said = f"more than {MOST_CURVES} curves: use manage.py analyse_lightcurves {name}"
            self.message_user(request, said, messages.ERROR)
            return
        parameters = ANALYSES[name].read({})
        rows = with_all().filter(pk__in=keys).order_by("pk")
        self.run_each(
            request, rows, lambda row: analyse(row, name, parameters), f"curves: {name} stored"
        )


@admin.register(CurveFeatures)
class CurveFeaturesAdmin(ReadOnlyAdmin):
    """Figures of light curves, newest first."""

    list_display = ["id", "dataset", "kind", "period", "version", "created_at"]
    list_filter = ["kind"]
    list_select_related = ["dataset"]
    search_fields = ["=dataset__id"]
    hidden = ("features",)
    readonly_fields = ["figures"]

    def get_queryset(self, request: Any) -> Any:
        """Leave out the arrays of the curves."""
        return super().get_queryset(request).defer("dataset__values", "dataset__errors")

    @admin.display(description="figures")
    def figures(self, row: CurveFeatures) -> str:
        """List the figures by name."""
        lines = format_html_join("", "<li>{}: {}</li>", sorted(row.features.items()))
        return format_html("<ul>{}</ul>", lines)
