"""How detections are listed and shown.

:class:`DetectionAdmin` is registered by the app above, which adds the verdicts to it.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from astrid.core import cones
from astrid.core.admin import ReadOnlyAdmin, SkySearch
from detection import pictures
from detection.models import Detection
from detection.wording import sexagesimal
from observations.models import Observation


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


# Columns that tell a rejected candidate, drawn to count misses, from what the network believes.
DRAWN = ("is_audit", "sampling_weight")


def _may_see_draw(request: HttpRequest) -> bool:
    return request.user.has_perm("detection.change_modelchange")


class DetectionAdmin(SkySearch, ReadOnlyAdmin):
    """Detections with their pictures, most certain first."""

    hidden: ClassVar[Sequence[str]] = ("embedding",)
    list_display = [
        "picture",
        "score",
        "kind",
        "position",
        "brightness",
        "exposure",
        "status",
        "label",
    ]
    list_display_links = ["picture", "score"]
    list_select_related = ["observation__survey", "candidate"]
    list_filter = ["status", "detection_type", "is_audit", BandFilter]
    search_fields = [
        "observation__observation_id__startswith",
        "sky_object__designation__startswith",
    ]
    search_help_text = f"An id, the name of an exposure or object, or a cone: {cones.HELP}."
    # Served by the index on -confidence_score; the key makes the order of equals stable.
    ordering = ["-confidence_score", "-id"]

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Offer the draw to operators only: who judges is not to know who was drawn."""
        return [one for one in self.list_filter if one != DRAWN[0] or _may_see_draw(request)]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show every column, and the draw to operators only."""
        shown = super().get_fields(request, obj)
        return shown if _may_see_draw(request) else [one for one in shown if one not in DRAWN]

    @admin.display(description="sci · ref · diff")
    def picture(self, detection: Detection) -> str:
        """Show the triplet."""
        return pictures.image_of(detection)

    @admin.display(description="score", ordering="confidence_score")
    def score(self, detection: Detection) -> str:
        """Show the network's probability."""
        return f"{detection.confidence_score:.4f}"

    @admin.display(description="type")
    def kind(self, detection: Detection) -> str:
        """Show what the network takes it for."""
        return detection.detection_type

    @admin.display(description="label", empty_value="-")
    def label(self, detection: Detection) -> str | None:
        """Show what people say it is."""
        return detection.human_label

    @admin.display(description="position (ICRS)")
    def position(self, detection: Detection) -> str:
        """Show the place in degrees and sexagesimal."""
        return format_html(
            '<span class="figures">{}<br>{}</span>',
            super().position(detection),
            sexagesimal(detection.ra, detection.dec),
        )

    @admin.display(description="magnitude", ordering="magnitude", empty_value="-")
    def brightness(self, detection: Detection) -> str | None:
        """Show how bright the change is, or its limit."""
        return detection.in_magnitudes() or None

    @admin.display(description="exposure, MJD (UTC)")
    def exposure(self, detection: Detection) -> str:
        """Show the exposure, its band and when the light was collected."""
        observation = detection.observation
        return format_html(
            '{} ({})<br><span class="figures">{}</span>',
            observation.observation_id,
            observation.filter_band,
            f"{observation.mjd_utc:.5f}",
        )
