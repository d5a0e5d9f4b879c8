"""References, subtractions with their figures, and what stood out in them."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from astrid.core.admin import ReadOnlyAdmin, RunAdmin, SkySearch, json_table, shortened
from astrid.core.errors import AstridError
from differencing import views
from differencing.comparison import open_comparison
from differencing.models import Candidate, DifferenceRun
from differencing.parameters import Algorithm
from differencing.references.admin import ReferenceImageAdmin, ReferenceRunAdmin

__all__ = ["CandidateAdmin", "DifferenceRunAdmin", "ReferenceImageAdmin", "ReferenceRunAdmin"]


def _again_with(algorithm: Algorithm) -> Any:
    """Make an action that asks for a comparison by ``algorithm``."""

    def ask(page: RunAdmin, request: HttpRequest, queryset: QuerySet) -> None:
        page.run_each(
            request,
            queryset,
            lambda run: open_comparison(run, algorithm),
            f"will be subtracted again with {algorithm}, beside the run that counts",
        )

    ask.__name__ = f"again_with_{algorithm}"
    title = f"Subtract again with {algorithm}, to compare"
    return admin.action(description=title, permissions=["operate"])(ask)


@admin.register(DifferenceRun)
class DifferenceRunAdmin(RunAdmin):
    """Subtractions: quality of the result, seconds and memory of each step."""

    introduction = (
        "Subtractions. The std of S_corr in blank sky is 1 where the noise model is "
        "right; a control is a pair of the same epoch, in which nothing should be found."
    )
    list_display = [
        "observation",
        "reference",
        "status",
        "algorithm",
        "noise",
        "candidates_found",
        "is_control",
        "is_comparison",
        "started_at",
        "seconds",
        "retry_count",
        "reason",
    ]
    list_select_related = ["observation", "reference_observation", "reference_image"]
    list_filter = ["status", "algorithm", "is_control", "is_comparison"]
    actions = [_again_with(algorithm) for algorithm in Algorithm]
    search_fields = ["observation__observation_id__startswith"]
    search_help_text = "The name of an exposure, or the id of a run, an observation or a reference"
    id_fields = ["pk", "observation_id", "reference_observation_id", "reference_image_id"]
    hidden = [*RunAdmin.hidden, "choice", "pictures"]
    readonly_fields = ["choice_table", *RunAdmin.readonly_fields]
    choice_table = json_table("choice", "why this reference")

    @admin.display(description="reference", ordering="reference_observation")
    def reference(self, run: DifferenceRun) -> str:
        """Name what was subtracted: a frame or a stack."""
        return str(run.reference_observation or run.reference_image or "")

    def get_urls(self) -> list[URLPattern]:
        """Add the pictures of a run, and the page that compares the algorithms of its pair."""
        name = "differencing_differencerun"
        shown, compared = (
            self.admin_site.admin_view(view) for view in (self.picture_view, self.compare_view)
        )
        return [
            path("<uuid:key>/<slug:name>/<slug:version>.png", shown, name=f"{name}_picture"),
            path("<uuid:key>/compare/", compared, name=f"{name}_compare"),
            *super().get_urls(),
        ]

    def picture_view(
        self, request: HttpRequest, key: UUID, name: str, version: str
    ) -> HttpResponse:
        """Stream a picture to those who may see the run."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return views.picture(request, key, name, version)

    def compare_view(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Show algorithms side by side; a posted one is asked for."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        run = get_object_or_404(DifferenceRun, pk=key)
        if request.method == "POST":
            self._ask(request, run)
            return redirect("admin:differencing_differencerun_compare", run.pk)
        context = {
            **self.admin_site.each_context(request),
            **views.compared(run),
            "title": f"Algorithms, {run}",
            "opts": self.opts,
            "run": run,
            "may_ask": self.has_operate_permission(request),
        }
        return TemplateResponse(request, "admin/differencing/differencerun/compare.html", context)

    def _ask(self, request: HttpRequest, run: DifferenceRun) -> None:
        """Open the comparison that was posted, or say why not."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        wanted = request.POST.get("algorithm", "")
        if wanted not in [each.value for each in Algorithm]:
            self.message_user(request, f"there is no algorithm {wanted!r}", messages.ERROR)
            return
        try:
            open_comparison(run, Algorithm(wanted))
        except AstridError as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        said = f"the pair will be subtracted with {wanted}; reload this page in a while"
        self.message_user(request, said, messages.SUCCESS)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Put the picture of the run above its fields."""
        run = kwargs.get("obj")
        context["quicklook"] = views.address_of(run, "quicklook") if run else ""
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="std of S_corr")
    def noise(self, run: DifferenceRun) -> str:
        """Show the noise in blank sky: 1 when the noise model is right."""
        return "" if run.noise_level is None else f"{run.noise_level:.3f}"


@admin.register(Candidate)
class CandidateAdmin(SkySearch, ReadOnlyAdmin):
    """Residuals above the threshold."""

    introduction = (
        "Everything above the threshold in a difference image, before the network decides."
    )
    list_display = [
        "position",
        "observation",
        "sigma",
        "snr_figure",
        "brightness",
        "score",
        "flags",
        "status",
    ]
    list_select_related = ["observation"]
    list_filter = ["status", "is_negative", "is_dipole", "is_edge"]
    ordering = ["-id"]
    search_fields = ["observation__observation_id__startswith"]
    id_fields = ["pk", "difference_run_id", "observation_id"]

    @admin.display(description="|S_corr|", ordering="significance")
    def sigma(self, candidate: Candidate) -> str:
        """Show the significance."""
        return "" if candidate.significance is None else f"{candidate.significance:.1f}"

    @admin.display(description="S/N")
    def snr_figure(self, candidate: Candidate) -> str:
        """Show flux over error."""
        return "" if candidate.snr is None else f"{candidate.snr:.1f}"

    @admin.display(description="magnitude", ordering="magnitude", empty_value="-")
    def brightness(self, candidate: Candidate) -> str | None:
        """Show how bright the change is, or its limit."""
        return candidate.in_magnitudes() or None

    @admin.display(description="network")
    def score(self, candidate: Candidate) -> str:
        """Show the network's last score, or why there is none."""
        if candidate.unscored_reason:
            return f"not scored: {shortened(candidate.unscored_reason)}"
        return "" if candidate.network_score is None else f"{candidate.network_score:.4f}"

    @admin.display(description="flags")
    def flags(self, candidate: Candidate) -> str:
        """Name the flags that are set."""
        names = ("saturated", "blended", "edge", "dipole", "negative")
        found = [name for name in names if getattr(candidate, f"is_{name}")]
        return ", ".join([*found, *(["near bright star"] if candidate.near_bright_star else [])])
