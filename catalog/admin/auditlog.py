"""The audit log in the admin."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from astrid.core.admin import ReadOnlyAdmin, json_table, link_to
from astrid.core.searching import key_in
from catalog.audit import key_of, watched
from catalog.entities import NamedEntities
from catalog.models import AuditLog


def names_of(entries: Iterable[AuditLog]) -> dict[str | None, str]:
    """Give the user name behind each user id of some entries; the id where there is none."""
    ids = {entry.user_id for entry in entries}
    users = get_user_model()._default_manager.filter(pk__in=[i for i in ids if i and i.isdigit()])
    found: dict[str | None, str] = {i: i or "nobody" for i in ids}
    return found | {str(user.pk): user.get_username() for user in users}


class ActionFilter(admin.SimpleListFilter):
    """Entries of one kind."""

    title = "action"
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """List what the triggers write."""
        return [(action, action) for action in ("create", "update", "delete")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Keep the entries of the chosen kind."""
        return queryset.filter(action=self.value()) if self.value() else queryset


class TableFilter(admin.SimpleListFilter):
    """Entries about one table; the log itself is too long to be asked which there are."""

    title = "table"
    parameter_name = "table"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """List the tables that are watched."""
        return [(label, label) for label in watched()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Keep the entries of the chosen table."""
        return queryset.filter(entity_type=self.value()) if self.value() else queryset


class AuditPage(NamedEntities):
    """A page of the log with the names of those who acted."""

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page, then the names."""
        super().get_results(request)
        names = names_of(self.result_list)
        for entry in self.result_list:
            entry.user_name = names[entry.user_id]


@admin.register(AuditLog)
class AuditLogAdmin(ReadOnlyAdmin):
    """Who changed what, from where, latest first."""

    list_display = ["created_at", "who", "action", "entity", "change_summary", "ip_address"]
    list_filter = [ActionFilter, TableFilter]
    ordering = ["-id"]
    search_fields = ["=user_id"]
    search_help_text = "The id of a user, of an entry, or of the row that was changed"
    hidden = ["old_values", "new_values"]
    readonly_fields = ["who", "entity", "before", "after"]
    before = json_table("old_values", "before")
    after = json_table("new_values", "after")

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[AuditPage]:
        """List entries with the names of who did what to what."""
        return AuditPage

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """Find the entries about a row too."""
        key = key_in(search_term)
        if key is None:
            return super().get_search_results(request, queryset, search_term)
        return queryset.filter(Q(pk=key) | Q(entity_id=key)), False

    @admin.display(description="who")
    def who(self, entry: Any) -> str:
        """Show who acted: the page of a list has fetched the names already."""
        return getattr(entry, "user_name", "") or names_of([entry])[entry.user_id]

    @admin.display(description="row")
    def entity(self, entry: AuditLog) -> str:
        """Link to the row that was changed."""
        name = getattr(entry, "entity_name", "")
        return link_to(entry.entity_type, key_of(entry.entity_id), name)
