"""Detections with verdicts: the list and its actions."""

from collections import Counter
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from astrid.core.changelist import KeysetList
from curation import gold, policy
from curation.models import Truth, ValidationEvent
from curation.parameters import ReviewPolicy
from curation.services import DECIDE, JUDGE, judge
from detection.admin import DetectionAdmin
from detection.models import Detection


class JudgedPage(KeysetList):
    """A page of detections, each with the number of verdicts in force as ``verdict_count``."""

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page, then the verdicts of its rows."""
        super().get_results(request)
        given = ValidationEvent.objects.current().filter(detection__in=self.page.rows)
        counts = Counter(given.order_by().values_list("detection_id", flat=True))
        for detection in self.page.rows:
            detection.verdict_count = counts[detection.pk]


@admin.register(Detection)
class ReviewedDetectionAdmin(DetectionAdmin):
    """Detections, their verdicts, and the means to give one."""

    list_display = [*DetectionAdmin.list_display, "verdicts"]
    actions = [
        "judge_supernova",
        "judge_variable",
        "judge_transient",
        "judge_unsure",
        "judge_artifact",
        "use_as_real_test",
        "use_as_bogus_test",
    ]

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[JudgedPage]:
        """List detections with the number of verdicts in force."""
        return JudgedPage

    @admin.display(description="votes")
    def verdicts(self, detection: Any) -> int:
        """Show how many verdicts are in force."""
        return int(detection.verdict_count)

    def has_judge_permission(self, request: HttpRequest) -> bool:
        """Say whether this person may judge."""
        return request.user.has_perm(JUDGE)

    @admin.action(description="Confirm as supernova", permissions=["judge"])
    def judge_supernova(self, request: HttpRequest, queryset: QuerySet[Detection]) -> None:
        """Judge the selected detections real: supernovae."""
        self._judge_all(request, queryset, is_valid=True, label="supernova")

    @admin.action(description="Confirm as variable", permissions=["judge"])
    def judge_variable(self, request: HttpRequest, queryset: QuerySet[Detection]) -> None:
        """Judge the selected detections real: variable stars."""
        self._judge_all(request, queryset, is_valid=True, label="variable")

    @admin.action(description="Confirm as transient", permissions=["judge"])
    def judge_transient(self, request: HttpRequest, queryset: QuerySet[Detection]) -> None:
        """Judge the selected detections real: transients."""
        self._judge_all(request, queryset, is_valid=True, label="transient")

    @admin.action(description="Unsure", permissions=["judge"])
    def judge_unsure(self, request: HttpRequest, queryset: QuerySet[Detection]) -> None:
        """Say of the selected detections that they cannot be judged."""
        self._judge_all(request, queryset, is_valid=None, label=None)

    @admin.action(description="Reject as artifact", permissions=["judge"])
    def judge_artifact(self, request: HttpRequest, queryset: QuerySet[Detection]) -> None:
        """Judge the selected detections bogus."""
        self._judge_all(request, queryset, is_valid=False, label="artifact")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Say whether this person may say what is known for sure."""
        return request.user.has_perm(DECIDE)

    @admin.action(description="Test curators with these: known to be real", permissions=["decide"])
    def use_as_real_test(self, request: HttpRequest, queryset: QuerySet[Detection]) -> None:
        """Make gold items of the selected detections."""
        self._use_as_test(request, queryset, Truth.REAL)

    @admin.action(description="Test curators with these: known to be bogus", permissions=["decide"])
    def use_as_bogus_test(self, request: HttpRequest, queryset: QuerySet[Detection]) -> None:
        """Make gold items of the selected detections."""
        self._use_as_test(request, queryset, Truth.BOGUS)

    def _use_as_test(
        self, request: HttpRequest, queryset: QuerySet[Detection], truth: Truth
    ) -> None:
        def act(detection: Detection) -> None:
            gold.mark(detection, truth=truth, by=request.user)  # type: ignore[arg-type]

        self.run_each(request, queryset, act, f"used as tests, {truth}")

    def _judge_all(
        self,
        request: HttpRequest,
        queryset: QuerySet[Detection],
        *,
        is_valid: bool | None,
        label: str | None,
    ) -> None:
        """Judge one by one, so that a refusal of one leaves the others judged."""
        in_force = policy.in_force(ReviewPolicy)

        def act(detection: Detection) -> None:
            judge(
                detection,
                by=request.user,  # type: ignore[arg-type]
                is_valid=is_valid,
                label=label,
                policy=in_force,
                shown_fields=("list",),
            )

        self.run_each(request, queryset, act, "judged")
