"""Catalogues of others, and what became of their rows."""

from django.contrib import admin

from astrid.core.admin import ReadOnlyAdmin, json_table
from detection.models import ContextCatalog


@admin.register(ContextCatalog)
class ContextCatalogAdmin(ReadOnlyAdmin):
    """Files of stars, variables and asteroids that were taken in."""

    introduction = "Taken in by manage.py import_context; the page of an object shows what is near."
    is_large = False
    list_display = ["created_at", "name", "release", "kind", "file_name", "sources", "refused"]
    list_filter = ["kind"]
    ordering = ["-id"]
    hidden = ["refusals"]
    readonly_fields = ["refusals_table"]
    refusals_table = json_table("refusals", "refusals")
