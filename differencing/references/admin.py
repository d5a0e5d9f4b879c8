"""Baselines in the admin: what they are made of, and building, ending and resuming their use."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html

from astrid.core import store
from astrid.core.admin import RunAdmin, SkySearch, ValidityAdmin, ValidityForm, json_table
from astrid.core.errors import MissingFile
from differencing.models import ReferenceImage, ReferenceRun
from differencing.references import stacks


class ReferenceImageForm(ValidityForm):
    """The use of a baseline; of each sky cell one stack is in force."""

    def clean(self) -> dict[str, Any]:
        """Refuse a second stack of the cell."""
        cleaned: dict[str, Any] = super().clean() or {}
        image = self.instance
        others = ReferenceImage.objects.stacks().filter(
            grid_observation=image.grid_observation_id, is_active=True
        )
        other = others.exclude(pk=image.pk).first()
        if cleaned.get("is_active") and image.is_stack and other:
            self.add_error("is_active", f"The {other} ({other.pk}) is in force: retire it first")
        return cleaned


@admin.register(ReferenceImage)
class ReferenceImageAdmin(SkySearch, ValidityAdmin):
    """Baselines; staff take one out of use, its file and its figures stay."""

    is_large = False
    introduction = (
        "What is subtracted from frames: single frames that were ingested as references, and "
        "stacks of the best frames of a sky cell. A retired one stays for the runs that used it."
    )
    form = ReferenceImageForm
    list_display = [
        "__str__",
        "picture",
        "survey",
        "filter_band",
        "frames",
        "limit",
        "magnitude",
        "seeing_arcsec",
        "covered",
        "is_active",
        "valid_from",
        "valid_to",
    ]
    list_select_related = ["survey"]
    list_filter = ["is_active", "survey", "filter_band"]
    search_fields = ["survey__name__startswith"]
    id_fields = ["pk", "grid_observation_id"]
    hidden = ["recipe", "thumbnail_path"]
    readonly_fields = ["picture", "recipe_table"]
    recipe_table = json_table("recipe", "how it was made")
    actions = ["build_anew", "retire"]

    def get_urls(self) -> list[Any]:
        """Add the address of the pictures."""
        view = self.admin_site.admin_view(self.send_picture)
        here = path("<uuid:key>/<str:version>.png", view, name="differencing_reference_picture")
        return [here, *super().get_urls()]

    def send_picture(self, request: HttpRequest, key: Any, version: str) -> HttpResponse:
        """Send the picture; its address holds the hash of its content, so it is kept for good."""
        image = ReferenceImage.objects.filter(pk=key).first()
        if image is None or not self.has_view_permission(request, image):
            raise Http404("there is no such picture, or it is not yours to see")
        if not version or version != _version_of(image):
            raise Http404("the reference has another picture now; reload the page that shows it")
        try:
            content = store.get(image.thumbnail_path)
        except MissingFile as error:
            raise Http404(str(error)) from error
        response = HttpResponse(content, content_type="image/png")
        response["Cache-Control"] = "private, max-age=31536000, immutable"
        return response

    @admin.display(description="picture")
    def picture(self, image: ReferenceImage) -> str:
        """Show the picture, if one was made."""
        if not image.thumbnail_path:
            return "none yet"
        address = reverse(
            "admin:differencing_reference_picture", args=[image.pk, _version_of(image)]
        )
        return format_html(
            '<img src="{}" alt="{}" loading="lazy" width="96">', address, f"picture of {image}"
        )

    @admin.display(description="frames", ordering="number_of_frames")
    def frames(self, image: ReferenceImage) -> int:
        """Show how many frames it is made of."""
        return image.number_of_frames

    @admin.display(description="5 sigma (ADU/s)", ordering="depth")
    def limit(self, image: ReferenceImage) -> str:
        """Show the depth as references are compared by it."""
        if not (image.depth and image.exposure_time):
            return ""
        return f"{image.depth / image.exposure_time:.3g}"

    @admin.display(description="5 sigma (mag)", ordering="limiting_magnitude")
    def magnitude(self, image: ReferenceImage) -> str:
        """Show the depth of a calibrated reference, by which calibrated frames choose."""
        if image.limiting_magnitude is None:
            return ""
        return f"{image.limiting_magnitude:.2f} {image.photometric_system}"

    @admin.display(description="seeing (″)", ordering="seeing")
    def seeing_arcsec(self, image: ReferenceImage) -> str:
        """Show the seeing."""
        return "" if image.seeing is None else f"{image.seeing:.2f}"

    @admin.display(description="coverage", ordering="coverage")
    def covered(self, image: ReferenceImage) -> str:
        """Show the share of the grid with data."""
        return "" if image.coverage is None else f"{image.coverage:.1%}"

    @admin.action(description="Build anew from the best frames", permissions=["operate"])
    def build_anew(self, request: HttpRequest, queryset: QuerySet[ReferenceImage]) -> None:
        """Ask workers to stack the cells of the references again."""
        rows = queryset.select_related("grid_observation")
        self.run_each(request, rows, stacks.ask_for, "will be built anew")

    @admin.action(description="Retire", permissions=["operate"])
    def retire(self, request: HttpRequest, queryset: QuerySet[ReferenceImage]) -> None:
        """Take references out of use from now on."""
        self.run_each(request, queryset, stacks.retire, "subtracted no more from now on")


def _version_of(image: ReferenceImage) -> str:
    """Give the hash at the end of the picture's stored name; empty without a picture."""
    return image.thumbnail_path.rpartition("/")[2]


@admin.register(ReferenceRun)
class ReferenceRunAdmin(RunAdmin):
    """Looks at sky cells: what was built, or why nothing was."""

    introduction = (
        "Looks at sky cells. A cell is looked at when it has enough new frames; a stack comes "
        "into force when it keeps more of a typical frame's S/N than the one before."
    )
    list_display = [
        "grid_observation",
        "status",
        "reference_image",
        "is_forced",
        "outcome",
        "started_at",
        "seconds",
        "retry_count",
        "reason",
    ]
    list_select_related = ["grid_observation", "reference_image"]
    list_filter = ["status", "is_forced"]
    search_fields = ["grid_observation__observation_id__startswith"]
    search_help_text = (
        "The name of the frame that gives the grid, or the id of a run or a reference"
    )
    id_fields = ["pk", "grid_observation_id", "reference_image_id"]
