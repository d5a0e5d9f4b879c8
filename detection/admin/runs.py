"""Inferences: the U-Net's maps as picture and files, scores, cost."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html_join

from astrid.core.admin import RunAdmin
from detection import runfiles, views
from detection.models import ModelRun


@admin.register(ModelRun)
class ModelRunAdmin(RunAdmin):
    """Inferences, newest first."""

    introduction = (
        "Every network in force over one difference: the U-Net's map of the whole frame, and the "
        "confidence in each candidate."
    )
    list_display = [
        "created_at",
        "model",
        "observation",
        "status",
        "total_predictions",
        "high_confidence_predictions",
        "unscored_candidates",
        "inference_time_ms",
        "reason",
    ]
    list_filter = ["status", "is_shadow", "model"]
    list_select_related = ["model", "observation__survey"]
    search_fields = ["observation__observation_id__startswith"]
    search_help_text = "The name of an exposure, or the id of a run or an observation"
    id_fields = ["pk", "observation_id"]
    hidden = [*RunAdmin.hidden, *runfiles.COLUMNS]
    readonly_fields = ["maps", *RunAdmin.readonly_fields]

    @admin.display(description="maps of the U-Net")
    def maps(self, run: ModelRun) -> str:
        """Link the stored files."""
        links = [(url, words) for words, url in runfiles.files_of(run)]
        return format_html_join(" · ", '<a href="{}">{}</a>', links) if links else "-"

    def get_urls(self) -> list[URLPattern]:
        """Add the picture and the files of a run."""
        view = self.admin_site.admin_view(self.file_view)
        name = runfiles.ADDRESS.partition(":")[2]
        return [
            path("<uuid:key>/<slug:name>/<slug:version>/", view, name=name),
            *super().get_urls(),
        ]

    def file_view(self, request: HttpRequest, key: UUID, name: str, version: str) -> HttpResponse:
        """Stream a file to those who may see the run."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return views.run_file(key, name, version)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Put the picture of the run above its fields."""
        run = kwargs.get("obj")
        context["quicklook"] = runfiles.address_of(run, "picture") if run else ""
        return super().render_change_form(request, context, *args, **kwargs)
