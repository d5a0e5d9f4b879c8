"""The published record in the admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest

from astrid.core.admin import ReadOnlyAdmin, SkySearch, json_table
from catalog import publication
from catalog.models import CatalogEntry


class EntryActionForm(ActionForm):
    """What a retraction needs beside the rows."""

    reason = forms.CharField(required=False, max_length=2000, label="Reason of a retraction:")


@admin.register(CatalogEntry)
class CatalogEntryAdmin(SkySearch, ReadOnlyAdmin):
    """The final record of confirmed objects, every version."""

    introduction = (
        "Objects that people confirmed. A later verdict or epoch makes a new version; old "
        "ones stay. Everybody sees the version that is published."
    )
    list_display = [
        "designation",
        "version",
        "is_current",
        "object_class",
        "posterior_figure",
        "position",
        "publication_state",
        "created_at",
    ]
    list_filter = ["is_current", "object_class", "publication_state"]
    ordering = ["-id"]
    search_fields = ["designation__startswith"]
    id_fields = ["pk", "sky_object_id"]
    hidden = ["magnitudes", "evidence"]
    readonly_fields = ["magnitudes_table", "evidence_table"]
    action_form = EntryActionForm
    actions = ["make_public", "retract"]
    magnitudes_table = json_table("magnitudes", "magnitudes")
    evidence_table = json_table("evidence", "evidence")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Leave out drafts for guests."""
        entries: Any = super().get_queryset(request)
        return entries.shown_to(request.user)  # type: ignore[no-any-return]

    @admin.action(description="Publish selected entries", permissions=["operate"])
    def make_public(self, request: HttpRequest, queryset: QuerySet[CatalogEntry]) -> None:
        """Show the current versions to everybody."""
        self.run_each(request, queryset, publication.make_public, "published")

    @admin.action(description="Retract selected entries", permissions=["operate"])
    def retract(self, request: HttpRequest, queryset: QuerySet[CatalogEntry]) -> None:
        """Take published versions back, with the reason beside the button."""
        reason = request.POST.get("reason", "")
        self.run_each(
            request, queryset, lambda entry: publication.retract(entry, reason), "retracted"
        )

    @admin.display(description="posterior", ordering="posterior")
    def posterior_figure(self, entry: CatalogEntry) -> str:
        """Show the probability of being real."""
        return f"{entry.posterior:.4f}"
