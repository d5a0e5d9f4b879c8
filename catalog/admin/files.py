"""Exports, matched tables and queued queries in the admin."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from astrid.core.admin import ReadOnlyAdmin, RunAdmin, how_far, json_table, shortened
from astrid.core.hints import hint
from catalog import tasks
from catalog.exports.forms import ExportForm
from catalog.models import CrossmatchJob, ExportJob, TapJob
from catalog.vo import uws


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
    beside_words = "Cross-match a table"
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
