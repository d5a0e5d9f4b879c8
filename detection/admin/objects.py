"""Objects of the sky, with their detections."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from astrid.core.admin import ReadOnlyAdmin, ReadOnlyInline, SkySearch
from detection import pictures
from detection.models import Detection, SkyObject
from detection.wording import sexagesimal


class EpochsInline(ReadOnlyInline):
    """The detections of one object."""

    model = Detection
    fields = ("picture", "epoch", "band", "score", "type_and_label", "status")
    verbose_name_plural = "detections of this object"
    ordering = ["-id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Detection]:
        """Fetch the rows with what their lines show."""
        return super().get_queryset(request).select_related("observation", "candidate")

    @admin.display(description="sci · ref · diff")
    def picture(self, detection: Detection) -> str:
        """Show the triplet, linked to its page."""
        address = detection.get_absolute_url()
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
class SkyObjectAdmin(SkySearch, ReadOnlyAdmin):
    """Objects of the sky, last seen first."""

    list_display = ["designation", "position", "best_class", "number_of_detections", "last_seen"]
    list_filter = ["best_class"]
    search_fields = ["designation__startswith"]
    ordering = ["-last_seen", "-id"]
    inlines = [EpochsInline]

    @admin.display(description="position (ICRS)")
    def position(self, sky_object: SkyObject) -> str:
        """Show the place in degrees and sexagesimal."""
        return f"{super().position(sky_object)} · {sexagesimal(sky_object.ra, sky_object.dec)}"
