"""Saved queries in the admin: kept, shared, run now or every night."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from astrid.core.admin import ConsoleAdmin
from astrid.core.hints import hint
from catalog import tasks
from catalog.exports import saved as saved_queries
from catalog.exports.forms import SavedQueryForm
from catalog.exports.models import SavedQuery


@admin.register(SavedQuery)
class SavedQueryAdmin(ConsoleAdmin):
    """One's own saved queries, and those that others share."""

    is_large = False
    form = SavedQueryForm
    beside = "queries:kept"
    beside_words = "The same on a page of the console, with the newest file of each"
    introduction = (
        "Queries to run again, now or every night. A shared one is run by others with what they "
        "may see themselves. Files are among the exports."
    )
    list_display = ["name", "owner", "file_format", "is_shared", "hour", "keep", "files"]
    list_select_related = ["owner"]
    list_filter = ["is_shared", "file_format"]
    search_fields = ["name__icontains"]
    search_help_text = "A name or an id"
    actions = ["run_now"]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Let the form know who asks."""
        kind: Any = super().get_form(request, obj, change=change, **kwargs)
        return type("PersonsForm", (kind,), {"person": request.user})  # forms are made per page

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Leave out what others keep for themselves; a superuser sees all."""
        rows: Any = super().get_queryset(request)
        is_all = request.user.is_superuser
        return rows if is_all else rows.shown_to(request.user)  # type: ignore[no-any-return]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let people change what is their own."""
        return super().has_change_permission(request, obj) and _is_own(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let people delete what is their own."""
        return super().has_delete_permission(request, obj) and _is_own(request, obj)

    def has_run_permission(self, request: HttpRequest) -> bool:
        """Say whether the user may ask for files."""
        return request.user.has_perm("catalog.add_exportjob")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save it as one's own, and bring its hour into force."""
        saved_queries.keep(obj, request.user)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete it, and its entry in beat's table."""
        saved_queries.drop(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Delete several."""
        for each in queryset:
            self.delete_model(request, each)

    @admin.action(description="Run selected queries now", permissions=["run"])
    def run_now(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Ask for a file of each, with what this person may see."""
        self.run_each(request, queryset, lambda each: _run(each, request.user), "asked for")

    @admin.display(description="files")
    def files(self, row: SavedQuery) -> str:
        """Link to what was made of it."""
        address = reverse("admin:catalog_exportjob_changelist")
        return format_html('<a href="{}?saved_query__id__exact={}">files</a>', address, row.pk)


def _is_own(request: HttpRequest, row: Any) -> bool:
    return row is None or row.may_be_changed_by(request.user)


def _run(row: SavedQuery, person: Any) -> None:
    hint(tasks.export, str(saved_queries.run(row, person).pk))
