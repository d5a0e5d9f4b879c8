"""Networks, their runs, objects of the sky, and how detections are listed and shown.

:class:`DetectionAdmin` is registered by the app above, which adds the verdicts to it.
"""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from detection import pictures, provenance, search
from detection.models import (
    Detection,
    Model,
    ModelRun,
    SkyObject,
    TrainingDataset,
    TrainingRun,
)
from detection.wording import flux_of, sexagesimal
from observations.models import Observation


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


class BandFilter(admin.SimpleListFilter):
    """Detections of exposures in one filter band."""

    title = "band"
    parameter_name = "band"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """List the bands that were observed."""
        bands = Observation.objects.order_by("filter_band").values_list("filter_band", flat=True)
        return [(band, band) for band in bands.distinct()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Keep the rows of the chosen band."""
        return queryset.filter(observation__filter_band=self.value()) if self.value() else queryset


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


class DetectionAdmin(ReadOnlyAdmin, PositionSearch):
    """Detections with their pictures, most certain first."""

    change_form_template = "admin/detection/detection/change_form.html"
    list_display = [
        "picture",
        "score",
        "detection_type",
        "position",
        "exposure",
        "status",
        "human_label",
    ]
    list_display_links = ["picture", "score"]
    list_select_related = ["observation__survey", "candidate"]
    list_filter = ["status", "detection_type", BandFilter]
    search_fields = [
        "observation__observation_id__startswith",
        "sky_object__designation__startswith",
    ]
    # Served by the index on -confidence_score; the key makes the order of equals stable.
    ordering = ["-confidence_score", "-id"]
    sortable_by = ["score"]

    @admin.display(description="science · reference · difference")
    def picture(self, detection: Detection) -> str:
        """Show the triplet."""
        return pictures.image_of(detection)

    @admin.display(description="score", ordering="confidence_score")
    def score(self, detection: Detection) -> str:
        """Show the network's probability."""
        return f"{detection.confidence_score:.4f}"

    @admin.display(description="position (ICRS)")
    def position(self, detection: Detection) -> str:
        """Show the place in degrees and sexagesimal."""
        return format_html(
            '<span class="figures">{}<br>{}</span>',
            f"{detection.ra:.6f} {detection.dec:+.6f}",
            sexagesimal(detection.ra, detection.dec),
        )

    @admin.display(description="exposure, epoch (MJD, UTC)")
    def exposure(self, detection: Detection) -> str:
        """Show the exposure, its band and when the light was collected."""
        observation = detection.observation
        return format_html(
            '{} ({})<br><span class="figures">{}</span>',
            observation.observation_id,
            observation.filter_band,
            f"{observation.mjd_utc:.5f}",
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one detection: picture, figures, history, provenance."""
        detection = self._shown(object_id)
        context = self.page_context(request, detection) if detection else {}
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **context}
        )

    def _shown(self, object_id: str) -> Detection | None:
        rows = Detection.objects.select_related(
            "observation__survey",
            "candidate",
            "sky_object",
            "model_run__model",
            "model_run__difference_run__reference_observation__survey",
        )
        try:
            return rows.filter(pk=UUID(object_id)).first()
        except ValueError:  # not a key at all: the parent says that nothing is there
            return None

    def page_context(self, request: HttpRequest, detection: Detection) -> dict[str, Any]:
        """Give what the page of one detection shows beside its fields."""
        return {
            "detection": detection,
            "title": f"{detection.detection_type.capitalize()}, "
            f"score {detection.confidence_score:.4f}",
            "subtitle": None,
            "figures": figures_of(detection),
            "epochs": epochs_of(detection),
            "steps": provenance.chain_of(detection),
        }


def figures_of(detection: Detection) -> list[tuple[str, str]]:
    """List the numbers of a detection, each with its name."""
    observation, found = detection.observation, detection.candidate
    figures = [
        ("Network score", f"{detection.confidence_score:.4f} ({detection.detection_type})"),
        ("Status", detection.get_status_display()),
        ("Label by people", detection.human_label or "none yet"),
        ("Position", sexagesimal(detection.ra, detection.dec)),
        ("Degrees", f"{detection.ra:.6f} {detection.dec:+.6f}"),
        ("Pixel (x, y), from 0", f"{detection.pixel_x:.2f}, {detection.pixel_y:.2f}"),
        ("Flux in the difference", flux_of(detection)),
        ("Epoch", f"MJD {observation.mjd_utc:.5f} (UTC), band {observation.filter_band}"),
        ("Model version", detection.model_version),
    ]
    if found is not None:
        figures += [
            ("Significance", _decimals(found.significance, "sigma")),
            ("FWHM", _decimals(found.fwhm, "px")),
            ("Ellipticity", _decimals(found.ellipticity, "")),
        ]
    return figures


def _decimals(value: float | None, unit: str) -> str:
    return "not measured" if value is None else f"{value:.2f} {unit}".strip()


def epochs_of(detection: Detection) -> list[Detection]:
    """List the other detections of the same object by time: the film strip."""
    if detection.sky_object is None:
        return []
    others = detection.sky_object.detections.exclude(pk=detection.pk)
    related = others.select_related("observation", "candidate")
    return list(related.order_by("observation__mjd_utc", "id")[:50])


class EpochsInline(admin.TabularInline):
    """The detections of one object."""

    model = Detection
    fields = readonly_fields = ["picture", "epoch", "band", "score", "type_and_label", "status"]
    extra = 0
    can_delete = False
    show_change_link = True
    verbose_name_plural = "detections of this object"
    ordering = ["-id"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: the pipeline adds detections."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Detection]:
        """Fetch the rows with what their lines show."""
        return super().get_queryset(request).select_related("observation", "candidate")

    @admin.display(description="science · reference · difference")
    def picture(self, detection: Detection) -> str:
        """Show the triplet, linked to its page."""
        address = reverse("admin:detection_detection_change", args=[detection.pk])
        return format_html('<a href="{}">{}</a>', address, pictures.image_of(detection))

    @admin.display(description="epoch (MJD, UTC)")
    def epoch(self, detection: Detection) -> str:
        """Show when the light was collected."""
        return f"{detection.observation.mjd_utc:.5f}"

    @admin.display(description="band")
    def band(self, detection: Detection) -> str:
        """Show the filter."""
        return detection.observation.filter_band

    @admin.display(description="score")
    def score(self, detection: Detection) -> str:
        """Show the network's probability."""
        return f"{detection.confidence_score:.4f}"

    @admin.display(description="network / people")
    def type_and_label(self, detection: Detection) -> str:
        """Show both opinions."""
        return f"{detection.detection_type} / {detection.human_label or '-'}"


@admin.register(SkyObject)
class SkyObjectAdmin(ReadOnlyAdmin, PositionSearch):
    """Objects of the sky, last seen first."""

    list_display = ["designation", "position", "best_class", "number_of_detections", "last_seen"]
    list_filter = ["best_class"]
    search_fields = ["designation__startswith"]
    ordering = ["-last_seen"]
    inlines = [EpochsInline]

    @admin.display(description="position (ICRS)")
    def position(self, sky_object: SkyObject) -> str:
        """Show the place in degrees and sexagesimal."""
        degrees = f"{sky_object.ra:.6f} {sky_object.dec:+.6f}"
        return f"{degrees} · {sexagesimal(sky_object.ra, sky_object.dec)}"


@admin.register(Model)
class MLModelAdmin(ReadOnlyAdmin):
    """Networks; they are registered and promoted by commands, which check the weights."""

    list_display = [
        "name",
        "version",
        "model_type",
        "is_active",
        "precision",
        "recall",
        "deployment_date",
    ]
    list_filter = ["model_type", "is_active"]
    search_fields = ["name", "version"]


@admin.register(ModelRun)
class ModelRunAdmin(ReadOnlyAdmin):
    """Inferences, newest first."""

    list_display = [
        "created_at",
        "model",
        "observation",
        "status",
        "total_predictions",
        "high_confidence_predictions",
        "inference_time_ms",
        "error_message",
    ]
    list_filter = ["status", "model"]
    list_select_related = ["model", "observation"]
    search_fields = ["observation__observation_id__startswith"]


@admin.register(TrainingDataset)
class TrainingDatasetAdmin(ReadOnlyAdmin):
    """Labelled snapshots."""

    list_display = ["name", "total_samples", "made_by", "created_at", "sha256"]
    list_select_related = ["made_by"]


@admin.register(TrainingRun)
class TrainingRunAdmin(ReadOnlyAdmin):
    """Trainings, newest first."""

    list_display = ["created_at", "model", "dataset", "status", "processing_time_seconds"]
    list_filter = ["status"]
    list_select_related = ["model", "dataset"]
