"""Verdicts, labels, curators and the queue."""

from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from astrid.core.admin import ConsoleAdmin, ReadOnlyAdmin
from curation.models import Curator, ReviewTask, ValidationEvent, ValidationLabel


class VerdictFilter(admin.SimpleListFilter):
    """Events by what was said."""

    title = "verdict"
    parameter_name = "verdict"
    SAID: ClassVar[dict[str, dict[str, bool]]] = {
        "real": {"is_valid": True},
        "bogus": {"is_valid": False, "is_unsure": False, "withdrawn": False},
        "unsure": {"is_valid": False, "is_unsure": True},
        "withdrawn": {"is_valid": False, "is_unsure": False, "withdrawn": True},
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """List what can be said."""
        return [(word, word) for word in self.SAID]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Keep the events of the chosen kind."""
        return queryset.filter(**self.SAID.get(self.value() or "", {}))


class LabelFilter(admin.SimpleListFilter):
    """Events by their label; the words are those of the taxonomy."""

    title = "label"
    parameter_name = "label"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """List the taxonomy."""
        words = ValidationLabel.objects.order_by("name").values_list("name", flat=True)
        return [(word, word) for word in words.distinct()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Keep the events with the chosen label."""
        return queryset.filter(label=self.value()) if self.value() else queryset


@admin.register(ValidationEvent)
class ValidationEventAdmin(ReadOnlyAdmin):
    """Verdicts, newest first; given on the page of a detection, never changed."""

    introduction = (
        "Verdicts are given on the review page or on the page of a detection; a new one "
        "of the same person replaces the old one, which stays here."
    )
    list_display = [
        "created_at",
        "validator",
        "verdict",
        "label",
        "detection",
        "confidence_level",
        "is_current",
        "notes",
    ]
    list_filter = [VerdictFilter, LabelFilter]
    list_select_related = ["validator", "detection", "superseded_by"]
    search_fields = ["=validator__username"]
    search_help_text = "The name of a person, or the id of a verdict or a detection"
    id_fields = ["pk", "detection_id"]
    ordering = ["-id"]

    @admin.display(description="in force", boolean=True)
    def is_current(self, event: ValidationEvent) -> bool:
        """Show whether no later verdict of the same person replaces it."""
        return not hasattr(event, "superseded_by")


@admin.register(ValidationLabel)
class ValidationLabelAdmin(ConsoleAdmin):
    """The taxonomy; what a label means is fixed, whether it is offered is not."""

    is_large = False
    list_display = ["name", "version", "detection_type", "is_real", "is_active", "description"]
    list_filter = ["detection_type", "is_real", "is_active"]
    search_fields = ["name"]
    search_help_text = "A name or an id"

    def get_readonly_fields(
        self, request: HttpRequest, obj: ValidationLabel | None = None
    ) -> list[str]:
        """Fix the meaning of a label once verdicts may use it."""
        return ["name", "version", "detection_type", "is_real"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Say no: verdicts may use it; switch it off instead."""
        return False


@admin.register(Curator)
class CuratorAdmin(ReadOnlyAdmin):
    """Who judged how much, and how well."""

    is_large = False
    list_display = [
        "user",
        "verdicts",
        "completeness",
        "false_positive_rate",
        "median_seconds",
        "expertise",
    ]
    list_select_related = ["user"]


class WaitingFilter(admin.SimpleListFilter):
    """Tasks that wait, unless others are asked for."""

    title = "done"
    parameter_name = "done_at__isempty"
    EVERY = "all"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """List the choices beside the first one."""
        return [("1", "waiting"), ("0", "done"), (self.EVERY, "all")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Leave out the choice of none: without one, what waits is shown."""
        shown = self.value() or "1"
        for value, words in self.lookup_choices:
            address = changelist.get_query_string({self.parameter_name: value})
            yield {"selected": shown == value, "query_string": address, "display": words}

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Keep the chosen tasks."""
        if self.value() == self.EVERY:
            return queryset
        return queryset.filter(done_at__isnull=self.value() != "0")


@admin.register(ReviewTask)
class ReviewTaskAdmin(ConsoleAdmin):
    """The queue; an operator may change the priority."""

    introduction = (
        "Detections that wait for a verdict, in the order in which curators get them: "
        "highest priority, then highest score. A share of the verdicts (setting review_order) "
        "goes to the random sample: tasks with a sampling weight."
    )
    list_display = ["detection", "priority", "score", "kind", "band", "votes", "done_at"]
    list_editable = ["priority"]
    list_filter = [WaitingFilter, "survey"]
    list_select_related = ["detection"]
    readonly_fields = [
        "detection", "score", "learning", "sampling_weight", "turn", "offered_at",
        "survey", "band", "snr", "kind",
        "flags", "is_new_object", "near_galaxy", "votes", "votes_required", "seen_by", "busy_until",
        "done_at",
    ]  # fmt: skip
    autocomplete_fields = ["assigned_to"]
    search_help_text = "The id of a task or a detection"
    id_fields = ["pk", "detection_id"]

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """Show what waits in the order in which curators get it, all else the newest first."""
        shown = request.GET.get(WaitingFilter.parameter_name, "1")
        return list(self.opts.ordering or ()) if shown == "1" else ["-id"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say no: the pipeline queues detections."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Say no: a verdict closes the task."""
        return False
