"""The work of the pipeline in the admin."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from astrid.core.admin import ReadOnlyAdmin, how_far, json_table, link_to, shortened
from catalog import jobs
from catalog.entities import NamedEntities
from catalog.models import ProcessingJob


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
