"""What operators see: jobs, settings, audit, catalog, exports and summaries."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ActionForm
from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from astrid.core.admin import (
    ReadOnlyAdmin,
    RunAdmin,
    SkySearch,
    how_far,
    json_table,
    link_to,
    quicken,
    shortened,
)
from astrid.core.hints import hint
from astrid.core.searching import key_in
from catalog import jobs, publication, tasks
from catalog.access.admin import ApiKeyAdmin, ExternalIdentityAdmin, ServiceAccountAdmin
from catalog.analytics import summary
from catalog.audit import key_of, watched
from catalog.entities import NamedEntities
from catalog.exports.admin import SavedQueryAdmin
from catalog.exports.forms import ExportForm
from catalog.models import (
    Analytics,
    AuditLog,
    CatalogEntry,
    CrossmatchJob,
    ExportJob,
    ProcessingJob,
    TapJob,
)
from catalog.settings_admin import SystemConfigAdmin
from catalog.vo import uws

__all__ = [
    "ApiKeyAdmin",
    "ExternalIdentityAdmin",
    "SavedQueryAdmin",
    "ServiceAccountAdmin",
    "SystemConfigAdmin",
]

_SHOWN_CHANGES = 50


@admin.register(ProcessingJob)
class ProcessingJobAdmin(ReadOnlyAdmin):
    """The work of the pipeline: where it stands, why it failed; retry and cancel."""

    live = "job"
    introduction = (
        "What the pipeline did and has to do. A failed job says why; “Retry” makes it due again."
    )
    list_display = [
        "job_type",
        "entity",
        "status",
        "progress_bar",
        "tries",
        "scheduled_at",
        "started_at",
        "completed_at",
        "error",
    ]
    list_filter = ["status", "job_type"]
    ordering = ["-id"]
    search_help_text = "The id of a job, of its run or of what it works for"
    id_fields = ["pk", "entity_id", "run_id"]
    hidden = ["error_details"]
    readonly_fields = ["entity", "details"]
    actions = ["retry", "cancel"]
    details = json_table("error_details", "error details")
    progress_bar = how_far

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[NamedEntities]:
        """List rows with the names of what they are about."""
        return NamedEntities

    @admin.display(description="works for")
    def entity(self, job: ProcessingJob) -> str:
        """Link to the row that the job works for."""
        return link_to(job.entity_type, job.entity_id, getattr(job, "entity_name", ""))

    @admin.display(description="retries")
    def tries(self, job: ProcessingJob) -> str:
        """Show how often the job was tried again, of how often it may be."""
        return f"{job.retry_count} of {job.max_retries}"

    @admin.display(description="error")
    def error(self, job: ProcessingJob) -> str:
        """Show the start of the reason."""
        return shortened(job.error_message or "")

    @admin.action(description="Retry selected jobs", permissions=["operate"])
    def retry(self, request: HttpRequest, queryset: QuerySet[ProcessingJob]) -> None:
        """Make failed and cancelled jobs due now."""
        self.run_each(
            request, queryset, lambda job: jobs.retry(job, _user(request)), "due again now"
        )

    @admin.action(description="Cancel selected jobs", permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[ProcessingJob]) -> None:
        """Call off jobs that nobody has begun."""
        self.run_each(request, queryset, lambda job: jobs.cancel(job, _user(request)), "cancelled")


def _user(request: HttpRequest) -> Any:
    return request.user


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
        """Find the entries about a row too: the index wants the table beside the id."""
        key = key_in(search_term)
        if key is None:
            return super().get_search_results(request, queryset, search_term)
        about = Q(entity_type__in=watched(), entity_id=key)
        return queryset.filter(Q(pk=key) | about), False

    @admin.display(description="who")
    def who(self, entry: Any) -> str:
        """Show who acted: the page of a list has fetched the names already."""
        return getattr(entry, "user_name", "") or names_of([entry])[entry.user_id]

    @admin.display(description="row")
    def entity(self, entry: AuditLog) -> str:
        """Link to the row that was changed."""
        name = getattr(entry, "entity_name", "")
        return link_to(entry.entity_type, key_of(entry.entity_id), name)


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


@admin.register(ExportJob)
class ExportJobAdmin(RunAdmin):
    """Files of rows that people asked for, and the form to ask for one."""

    live = "export"
    beside = "queries:kept"
    beside_words = "Saved queries: kept, run now or every night"
    list_display = [
        "created_at",
        "requester",
        "file_format",
        "status",
        "progress_bar",
        "rows",
        "file",
        "seconds",
        "reason",
    ]
    list_filter = ["status", "file_format", "is_scheduled"]
    list_select_related = ["requester"]
    hidden = [*RunAdmin.hidden, "query"]
    readonly_fields = ["query_table", "file", *RunAdmin.readonly_fields]
    query_table = json_table("query", "query")
    progress_bar = how_far

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Ask for the permission of the table."""
        return admin.ModelAdmin.has_add_permission(self, request)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Give the form that asks for a file."""
        if obj is not None:
            return super().get_form(request, obj, change=change, **kwargs)
        return type("AskForm", (ExportForm,), {"person": request.user})  # forms are made per page

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for a query and a format; show everything of what was asked for."""
        return super().get_fields(request, obj) if obj else ["adql", "file_format"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Let everything be written before there is a row."""
        return super().get_readonly_fields(request, obj) if obj else []

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Note what is asked for, and tell a worker."""
        obj.requester, obj.query = request.user, {"adql": form.cleaned_data["adql"]}
        obj.save()
        hint(tasks.export, str(obj.pk))

    @admin.display(description="file")
    def file(self, job: ExportJob) -> str:
        """Link to the file."""
        if not job.file_path:
            return ""
        address = reverse("exports-file", args=[job.pk])
        return format_html('<a href="{}">download</a>', address)


@admin.register(CrossmatchJob)
class CrossmatchJobAdmin(RunAdmin):
    """Tables that people sent to be matched by position."""

    live = "crossmatch"
    beside = "catalog:crossmatch"
    beside_words = "Match a table"
    introduction = "Tables are sent on the page of the catalog, or over the API."
    list_display = [
        "created_at",
        "requester",
        "upload_name",
        "target",
        "status",
        "progress_bar",
        "positions",
        "rows",
        "seconds",
        "reason",
    ]
    list_filter = ["status", "target"]
    list_select_related = ["requester"]
    progress_bar = how_far

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Give everybody their own, and operators all."""
        jobs = super().get_queryset(request)
        sees_all = request.user.has_perm("catalog.change_crossmatchjob")
        return jobs if sees_all else jobs.filter(requester=request.user.pk)


@admin.register(TapJob)
class TapJobAdmin(ReadOnlyAdmin):
    """Queries of the tables that people and programs queued."""

    is_large = False
    introduction = "They are asked on the page of the tables, or by TOPCAT, pyvo and the like."
    list_display = [
        *("created_at", "asker", "what", "status", "rows", "is_cut"),
        *("started_at", "ended_at", "reason"),
    ]
    list_filter = ["status"]
    list_select_related = ["owner"]
    actions = ["call_off"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Give everybody their own, and operators all."""
        rows = super().get_queryset(request)
        return rows if self.has_operate_permission(request) else rows.filter(owner=request.user.pk)

    @admin.display(description="asked by")
    def asker(self, row: TapJob) -> str:
        """Show whose it is."""
        return row.owner.get_username() if row.owner else "nobody"

    @admin.display(description="query")
    def what(self, row: TapJob) -> str:
        """Show the start of the query."""
        return shortened(row.query)

    @admin.display(description="why it failed")
    def reason(self, row: TapJob) -> str:
        """Show the start of the error."""
        return shortened(row.error_message)

    @admin.action(description="Call off selected queries", permissions=["operate"])
    def call_off(self, request: HttpRequest, queryset: QuerySet[TapJob]) -> None:
        """End queries that wait or run."""
        self.run_each(request, queryset, uws.abort, "called off")


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


quicken(admin.site)  # the last app: everything is registered
