"""Surveys as staff run them; observations and passes as the pipeline left them."""

import base64
from typing import Any

from celery import current_app
from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from kombu.exceptions import OperationalError

from astrid.core import store
from astrid.core.admin import (
    ConsoleAdmin,
    ReadOnlyAdmin,
    RunAdmin,
    SkySearch,
    how_far,
    json_table,
    shortened,
)
from astrid.core.errors import CorruptFile, MissingFile
from observations import schedule, services
from observations.models import CalibrationExposure, Observation, ObservationRun, Survey


class SurveyForm(forms.ModelForm):
    """A survey; its settings are an object that names a folder where it reads one."""

    class Meta:
        model = Survey
        fields = (
            "name",
            "description",
            "base_url",
            "api_endpoint",
            "is_active",
            "adapter",
            "adapter_settings",
            "schedule",
        )

    def clean_adapter_settings(self) -> dict[str, Any]:
        """Refuse settings that ingestion could not read."""
        given = self.cleaned_data["adapter_settings"] or {}
        if not isinstance(given, dict):
            raise forms.ValidationError("This must be an object: {'directory': '/data/night'}")
        directory = given.get("directory", "")
        if not isinstance(directory, str) or (directory and not directory.startswith("/")):
            raise forms.ValidationError(f"directory is {directory!r}: it must be a full path")
        return given


@admin.register(Survey)
class SurveyAdmin(ConsoleAdmin):
    """Where images come from, and when they are looked for."""

    is_large = False
    form = SurveyForm
    list_display = ["name", "is_active", "adapter", "schedule", "passes"]
    list_filter = ["is_active", "adapter"]
    list_select_related = ["schedule"]
    search_fields = ["name__icontains"]
    search_help_text = "A name or an id"
    readonly_fields = ["when", "id", "created_at", "updated_at"]
    actions = ["look_now"]
    fieldsets = [
        (None, {"fields": ["name", "description", "is_active", "base_url", "api_endpoint"]}),
        (
            "Where the images are",
            {
                "fields": ["adapter", "adapter_settings"],
                "description": "A directory survey reads every frame below its folder that its "
                "rules name; frames that are known already change nothing.",
            },
        ),
        (
            "When to look for new ones",
            {
                "fields": ["schedule", "when"],
                "description": "The schedule is a crontab (minute, hour, day; mind its time "
                "zone). Celery beat reads it within seconds of saving; an inactive survey is "
                "not looked at. The action in the list looks at once.",
            },
        ),
        ("Row", {"fields": ["id", "created_at", "updated_at"]}),
    ]

    @admin.display(description="looked at")
    def when(self, survey: Survey) -> str:
        """Say when the survey is looked at."""
        return schedule.in_words(survey)

    @admin.display(description="passes")
    def passes(self, survey: Survey) -> str:
        """Link to what its passes found."""
        address = reverse("admin:observations_observationrun_changelist")
        return format_html('<a href="{}?survey__id__exact={}">passes</a>', address, survey.pk)

    def save_model(self, request: HttpRequest, obj: Survey, form: Any, change: bool) -> None:
        """Save the survey and bring its schedule into force."""
        super().save_model(request, obj, form, change)
        schedule.schedule(obj)

    def delete_model(self, request: HttpRequest, obj: Survey) -> None:
        """Delete the survey and its entry in beat's table."""
        schedule.unschedule(obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Survey]) -> None:
        """Delete surveys and their entries in beat's table."""
        for survey in queryset:
            schedule.unschedule(survey)
        super().delete_queryset(request, queryset)

    @admin.action(description="Look for new images now", permissions=["operate"])
    def look_now(self, request: HttpRequest, queryset: QuerySet[Survey]) -> None:
        """Ask a worker to ingest each survey."""
        try:
            for survey in queryset:
                current_app.send_task(schedule.TASK, args=[str(survey.pk)], retry=False)
        except OperationalError as error:
            words = f"The message broker does not answer ({error}); start it, then try again"
            self.message_user(request, words, messages.ERROR)
        else:
            names = ", ".join(survey.name for survey in queryset)
            self.message_user(request, f"Workers were asked to look at: {names}")


@admin.register(Observation)
class ObservationAdmin(SkySearch, ReadOnlyAdmin):
    """Exposures and how far each has come."""

    is_large = False
    list_display = [
        "observation_id",
        "survey",
        "role",
        "filter_band",
        "seeing_arcsec",
        "depth",
        "observation_time",
        "status",
        "why",
    ]
    list_filter = ["status", "role", "survey", "filter_band", "is_accepted"]
    list_select_related = ["survey"]
    ordering = ["-id"]
    search_fields = ["observation_id__startswith"]
    readonly_fields = ["thumbnail", "runs", "algorithms"]
    hidden = ["thumbnail_path"]
    actions = ["retry_failed", "accept", "archive"]

    @admin.display(description="seeing (arcsec)")
    def seeing_arcsec(self, observation: Observation) -> str:
        """Show the seeing."""
        return "" if observation.seeing is None else f"{observation.seeing:.2f}"

    @admin.display(description="5 sigma limit (mag)")
    def depth(self, observation: Observation) -> str:
        """Show how faint a point source may be, where the frame is calibrated."""
        depth = observation.limiting_magnitude
        return "" if depth is None else f"{depth:.2f}"

    @admin.display(description="reason")
    def why(self, observation: Observation) -> str:
        """Show the start of the reason for a failure."""
        return shortened(observation.status_reason)

    @admin.display(description="thumbnail")
    def thumbnail(self, observation: Observation) -> str:
        """Show the picture, if one was made."""
        if not observation.thumbnail_path:
            return "none was made"
        try:
            content = base64.b64encode(store.get(observation.thumbnail_path)).decode()
        except (MissingFile, CorruptFile) as error:
            return str(error)
        alt = f"image of {observation}"
        return format_html('<img src="data:image/png;base64,{}" alt="{}">', content, alt)

    @admin.display(description="runs")
    def runs(self, observation: Observation) -> str:
        """Link to what was done with the exposure."""
        pages = (
            ("preprocessing", "preprocessing_preprocessrun"),
            ("differences", "differencing_differencerun"),
            ("candidates", "differencing_candidate"),
        )
        links = (
            (reverse(f"admin:{page}_changelist"), observation.pk, name) for name, page in pages
        )
        line = '<a href="{}?observation__id__exact={}">{}</a>'
        return format_html_join(" · ", line, links)

    @admin.display(description="algorithms compared")
    def algorithms(self, observation: Observation) -> str:
        """Link to where each difference is subtracted again with other algorithms."""
        pairs = observation.difference_runs.filter(is_comparison=False).select_related(
            "observation", "reference_observation", "reference_image"
        )
        page = "admin:differencing_differencerun_compare"
        links = ((reverse(page, args=[pair.pk]), pair, pair.status) for pair in pairs)
        words = format_html_join(" · ", '<a href="{}">{}</a> ({})', links)
        return words or "nothing was subtracted from it yet"

    @admin.action(description="Retry failed observations", permissions=["operate"])
    def retry_failed(self, request: HttpRequest, queryset: QuerySet[Observation]) -> None:
        """Send failed observations through the pipeline again, from the start."""
        self.run_each(request, queryset, services.retry, "will be tried again from the start")

    @admin.action(
        description="Accept in spite of their quality, and retry", permissions=["operate"]
    )
    def accept(self, request: HttpRequest, queryset: QuerySet[Observation]) -> None:
        """Send frames that were set aside through the pipeline all the same."""
        self.run_each(request, queryset, services.accept, "accepted, and will be tried again")

    @admin.action(description="Archive selected observations", permissions=["operate"])
    def archive(self, request: HttpRequest, queryset: QuerySet[Observation]) -> None:
        """Take observations out of the pipeline for good."""
        self.run_each(request, queryset, services.archive, "archived for good")


@admin.register(CalibrationExposure)
class CalibrationExposureAdmin(ReadOnlyAdmin):
    """Raw bias, dark and flat frames, as ingestion found them."""

    is_large = False
    list_display = [
        "name",
        "survey",
        "kind",
        "instrument",
        "filter_band",
        "exposure_time",
        "temperature",
        "observation_time",
    ]
    list_filter = ["kind", "survey", "filter_band"]
    list_select_related = ["survey"]
    search_fields = ["name__startswith"]
    search_help_text = "The start of a name, or an id"


@admin.register(ObservationRun)
class ObservationRunAdmin(RunAdmin):
    """Ingestion passes, with every refused file and its reason."""

    list_display = [
        "started_at",
        "survey",
        "source",
        "status",
        "progress_bar",
        "found",
        "new",
        "calibration",
        "known",
        "refused",
        "seconds",
        "reason",
    ]
    list_filter = ["status", "survey"]
    list_select_related = ["survey"]
    hidden = [*RunAdmin.hidden, "refusals"]
    readonly_fields = ["refusals_table", *RunAdmin.readonly_fields]
    refusals_table = json_table("refusals", "refused files")
    progress_bar = how_far
