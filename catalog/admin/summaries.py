"""Daily summaries in the admin."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from astrid.core.admin import ReadOnlyAdmin
from catalog.analytics import summary
from catalog.models import Analytics


@admin.register(Analytics)
class AnalyticsAdmin(ReadOnlyAdmin):
    """Stored daily summaries."""

    introduction = "What was done on each day, added up every five minutes."
    list_display = [
        *("day", "metric", "survey", "filter_band", "model", "curator"),
        *("bin", "value", "count"),
    ]
    list_select_related = ["survey", "model", "curator"]
    list_filter = ["day", "survey"]
    search_fields = ["metric__startswith"]
    search_help_text = "A metric or an id"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Leave out what others judged, for those who may not see it."""
        return summary.shown_to(super().get_queryset(request), request.user)
