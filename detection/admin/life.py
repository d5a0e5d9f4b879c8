"""Comparisons of networks, and the wishes that one come into force."""

from datetime import date
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from astrid.core.admin import ReadOnlyAdmin, ReadOnlyInline
from detection import driftalarms, promotion
from detection.models import Comparison, DriftAlarm, ModelChange


class ComparisonsInline(ReadOnlyInline):
    """How a network did beside others."""

    model = Comparison
    fk_name = "challenger"
    fields = ("champion", "set_name", "real", "bogus", "auc_difference", "proof", "created_at")
    verbose_name_plural = "comparisons with the network in force"

    @admin.display(description="AUC, difference")
    def auc_difference(self, row: Comparison) -> str:
        """Show the paired difference with its interval."""
        return _difference(row, "auc")

    @admin.display(description="proof", boolean=True)
    def proof(self, row: Comparison) -> bool:
        """Show whether it allows a promotion."""
        return row.is_proof


class ChangesInline(ReadOnlyInline):
    """How a network came into force."""

    model = ModelChange
    fk_name = "model"
    fields = ("kind", "previous", "status", "requested_by", "decided_by", "decided_at", "reason")
    verbose_name_plural = "changes that put it in force"


def _difference(row: Comparison, figure: str) -> str:
    found = row.figures[figure]["difference"]
    return f"{found['value']:+.4f} [{found['low']:+.4f}, {found['high']:+.4f}]"


@admin.register(Comparison)
class ComparisonAdmin(ReadOnlyAdmin):
    """Pairs of networks on labelled stamps, newest first."""

    is_large = False
    introduction = (
        "Two networks on the same labelled stamps, made by compare_models. A difference is "
        "challenger minus champion, with its 95 % interval over the objects that were drawn."
    )
    list_display = [
        "created_at",
        "challenger",
        "champion",
        "set_name",
        "real",
        "bogus",
        "auc",
        "false_positives",
        "ece",
        "proof",
    ]
    list_filter = ["is_real_set"]
    list_select_related = ["challenger", "champion"]
    id_fields = ["pk", "challenger_id", "champion_id"]

    @admin.display(description="AUC, difference")
    def auc(self, row: Comparison) -> str:
        """Show the difference of the areas under the ROC curve."""
        return _difference(row, "auc")

    @admin.display(description="FPR at 95 % TPR, difference")
    def false_positives(self, row: Comparison) -> str:
        """Show the difference of false positives at fixed completeness."""
        return _difference(row, "fpr_at_tpr95")

    @admin.display(description="ECE, difference")
    def ece(self, row: Comparison) -> str:
        """Show the difference of the calibration errors."""
        return _difference(row, "ece")

    @admin.display(description="proof", boolean=True)
    def proof(self, row: Comparison) -> bool:
        """Show whether it allows a promotion."""
        return row.is_proof


@admin.register(DriftAlarm)
class DriftAlarmAdmin(ReadOnlyAdmin):
    """Drifts that operators were told of, newest first."""

    introduction = (
        "The scores of a network have moved away from those of its first weeks on a survey. One "
        "alert tells of it, another that it is over; in between there is silence. Acknowledge an "
        "alarm that you have seen to: a later week that still alarms is told of again."
    )
    list_display = ["model", "survey", "since", "until", "psi", "state", "acknowledged_by"]
    list_filter = ["survey"]
    list_select_related = ["model", "survey", "first", "last", "acknowledged_by"]
    id_fields = ["pk", "model_id"]
    actions = ["acknowledge"]

    @admin.display(description="first week")
    def since(self, row: DriftAlarm) -> date:
        """Show the week that told of it."""
        return row.first.monday

    @admin.display(description="newest week")
    def until(self, row: DriftAlarm) -> date:
        """Show the last week that alarmed."""
        return row.last.monday

    @admin.display(description="PSI, newest")
    def psi(self, row: DriftAlarm) -> str:
        """Show how far the scores had moved then."""
        return f"{row.last.psi:.3f}"

    @admin.display(description="state")
    def state(self, row: DriftAlarm) -> str:
        """Show whether it goes on."""
        return "open" if row.is_open else "over" if row.over_at else "acknowledged"

    @admin.action(description="Acknowledge", permissions=["operate"])
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[DriftAlarm]) -> None:
        """Note that somebody has seen to the selected alarms."""
        user: Any = request.user
        self.run_each(
            request, queryset, lambda alarm: driftalarms.acknowledge(alarm, by=user), "acknowledged"
        )


@admin.register(ModelChange)
class ModelChangeAdmin(ReadOnlyAdmin):
    """Who asked for which network, who approved it, and what was taken back."""

    is_large = False
    introduction = (
        "A promotion is asked for on the page of a network and approved here by somebody else. "
        "A rollback is done at once and stands here too."
    )
    list_display = [
        "created_at",
        "kind",
        "model",
        "previous",
        "proof",
        "status",
        "requested_by",
        "decided_by",
        "decided_at",
        "reason",
    ]
    list_filter = ["status", "kind"]
    list_select_related = [
        "model",
        "previous",
        "requested_by",
        "decided_by",
        "comparison",
    ]
    id_fields = ["pk", "model_id"]
    actions = ["approve", "refuse"]

    @admin.display(description="AUC, difference", empty_value="-")
    def proof(self, row: ModelChange) -> str | None:
        """Show what the proof says."""
        return _difference(row.comparison, "auc") if row.comparison else None

    @admin.action(description="Approve", permissions=["operate"])
    def approve(self, request: HttpRequest, queryset: QuerySet[ModelChange]) -> None:
        """Put the selected networks into force, where somebody else asked for them."""
        user: Any = request.user
        self.run_each(
            request, queryset, lambda change: promotion.approve(change, by=user), "put in force"
        )

    @admin.action(description="Refuse", permissions=["operate"])
    def refuse(self, request: HttpRequest, queryset: QuerySet[ModelChange]) -> None:
        """Leave the network in force that is."""
        user: Any = request.user
        self.run_each(
            request, queryset, lambda change: promotion.refuse(change, by=user), "refused"
        )
