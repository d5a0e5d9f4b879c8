"""Networks and their trainings."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from astrid.core.admin import ReadOnlyAdmin, RunAdmin
from astrid.core.errors import AstridError
from detection import cardview, promotion, registry, teaching
from detection.admin.life import ChangesInline, ComparisonsInline
from detection.models import Model, ModelType, TrainingDataset, TrainingRun

# Columns for networks that come from elsewhere; our trainings say more in their cards.
SELDOM = ("precision", "recall", "f1_score", "accuracy", "training_energy_wh")
ASK, DECIDE = "detection.add_modelchange", "detection.change_modelchange"


class MLModelAdmin(ReadOnlyAdmin):
    """Networks: which is in force, which challenges it, and how they follow one another.

    Registered by the app above, which adds how they do by the verdicts of people.
    """

    is_large = False
    introduction = (
        "One network of each type, the champion, is in force. A challenger scores beside it "
        "without being used. It comes into force when compare_models has shown on real stamps "
        "that it is no worse, one person asks for it and another approves."
    )
    change_form_template = "admin/detection/model/change_form.html"
    list_display = [
        *("name", "version", "model_type", "role", "deployment_date"),
        *("auc_simulated", "auc_real"),
    ]
    list_filter = ["model_type", "is_active", "is_challenger"]
    search_fields = ["name", "version"]
    search_help_text = "A name, a version or an id"
    # The panels above the columns show these.
    hidden = ["model_card", "training_metrics", "hyperparameters"]
    inlines = [ComparisonsInline, ChangesInline]
    actions = ["ask", "challenge"]

    @admin.display(description="role", empty_value="-")
    def role(self, row: Model) -> str | None:
        """Show whether it is in force or challenges."""
        return row.role or None

    @admin.display(description="AUC, simulated", empty_value="-")
    def auc_simulated(self, row: Model) -> str | None:
        """Show how good it was on the scenes of its own test."""
        return _auc(cardview.samples_of(row)[0])

    @admin.display(description="AUC, real sky", empty_value="-")
    def auc_real(self, row: Model) -> str | None:
        """Show how good it was on labelled stamps that it had not learned."""
        return _auc(cardview.samples_of(row)[1])

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out the figures that nobody measured."""
        return [
            name
            for name in super().get_fields(request, obj)
            if name not in SELDOM or getattr(obj, name, None) is not None
        ]

    def has_ask_permission(self, request: HttpRequest) -> bool:
        """Say whether this person may ask for a network."""
        return request.user.has_perm(ASK)

    @admin.action(description="Ask to put into force", permissions=["ask"])
    def ask(self, request: HttpRequest, queryset: QuerySet[Model]) -> None:
        """Ask for the selected networks; somebody else decides."""
        done = "asked for; somebody else approves it under model changes"
        self.run_each(request, queryset, lambda row: promotion.ask(row, by=_user(request)), done)

    @admin.action(description="Let score beside the champion", permissions=["ask"])
    def challenge(self, request: HttpRequest, queryset: QuerySet[Model]) -> None:
        """Make the selected network the challenger of its type."""
        self.run_each(request, queryset, registry.challenge, "scores beside the champion")

    def get_urls(self) -> list[URLPattern]:
        """Add the address that the buttons of a network's page post to."""
        view = self.admin_site.admin_view(require_POST(self.step_view))
        return [
            path("<uuid:key>/step/", view, name="detection_model_step"),
            *super().get_urls(),
        ]

    def step_view(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Do what a button of the page asks for, and say what came of it."""
        row = get_object_or_404(Model, pk=key)
        permission, act, done = self._step(request.POST.get("step", ""))
        if not request.user.has_perm(permission):
            raise PermissionDenied
        try:
            act(row, request)
        except AstridError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:detection_model_change", args=[row.pk]))

    def _step(self, name: str) -> tuple[str, Callable[[Model, HttpRequest], object], str]:
        if name not in _STEPS:
            raise PermissionDenied(f"there is no step {name!r}")
        return _STEPS[name]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one network with the steps that this person may take."""
        row = self.get_object(request, object_id)
        steps = self.page_context(request, row) if row else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **steps})

    def page_context(self, request: HttpRequest, row: Model) -> dict[str, Any]:
        """Give what the page of a network shows beside its columns."""
        may_decide = request.user.has_perm(DECIDE)
        return {
            "may_ask": self.has_ask_permission(request) and not row.is_active,
            "may_teach": self.has_ask_permission(request)
            and row.is_active
            and row.model_type == ModelType.CLASSIFIER,
            "earlier": promotion.before(row) if row.is_active and may_decide else None,
            "card_lines": cardview.lines_of(row),
            "card_limits": cardview.limits_of(row),
            "card_remarks": cardview.remarks_of(row),
            "recipe": json.dumps(row.hyperparameters, indent=2, ensure_ascii=False),
        }


def _auc(part: dict[str, Any]) -> str | None:
    return f"{part['auc']['value']:.4f}" if "auc" in part else None


def _user(request: HttpRequest) -> Any:
    return request.user


_STEPS: dict[str, tuple[str, Callable[[Model, HttpRequest], object], str]] = {
    "ask": (
        ASK,
        lambda row, request: promotion.ask(
            row, by=_user(request), reason=request.POST.get("reason", "")
        ),
        "Asked for. Somebody else approves it under model changes.",
    ),
    "challenge": (
        ASK,
        lambda row, request: registry.challenge(row),
        "It scores beside the champion from now on.",
    ),
    "teach": (
        ASK,
        lambda row, request: teaching.ask(row, by=_user(request)),
        "It learns from verdicts as soon as a worker is free; what comes of it stands under "
        "training runs, and challenges it.",
    ),
    "roll_back": (
        DECIDE,
        lambda row, request: promotion.roll_back(
            row, by=_user(request), reason=request.POST.get("reason", "")
        ),
        "The network before it is in force again.",
    ),
}


@admin.register(TrainingDataset)
class TrainingDatasetAdmin(ReadOnlyAdmin):
    """Labelled snapshots."""

    is_large = False
    list_display = ["name", "total_samples", "made_by", "created_at", "sha256"]
    list_select_related = ["made_by"]


@admin.register(TrainingRun)
class TrainingRunAdmin(RunAdmin):
    """Trainings, newest first."""

    list_display = ["created_at", "model", "dataset", "status", "seconds", "reason"]
    list_select_related = ["model", "dataset"]
