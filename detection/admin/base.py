"""What the lists of the pipeline's rows share."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from detection import search


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that the pipeline writes: people look at them, and change nothing by hand."""

    show_full_result_count = False
    list_per_page = 100

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say no: the pipeline adds these rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: what was measured is not edited."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: later rows rest on these."""
        return False


class PositionSearch(admin.ModelAdmin):
    """A search box that understands "RA Dec radius" beside names."""

    search_help_text = search.HELP

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[QuerySet, bool]:
        """Search a cone where the term is one, names otherwise."""
        try:
            cone = search.cone_of(search_term)
            if cone is not None:
                return queryset.cone_search(cone.ra, cone.dec, cone.radius_deg), False
        except ValueError as error:
            self.message_user(request, f"{search_term!r}: {error}", messages.ERROR)
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)
