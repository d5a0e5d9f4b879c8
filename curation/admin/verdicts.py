"""Verdicts, labels, curators and the queue."""

from django.contrib import admin
from django.http import HttpRequest

from astrid.core.admin import ConsoleAdmin, ReadOnlyAdmin
from curation.models import Curator, ReviewTask, ValidationEvent, ValidationLabel


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
    list_filter = ["is_valid", "is_unsure", "label", "confidence_level"]
    list_select_related = ["validator", "detection", "superseded_by"]
    search_fields = ["validator__username"]
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

    list_display = [
        "user",
        "verdicts",
        "completeness",
        "false_positive_rate",
        "median_seconds",
        "expertise",
    ]
    list_select_related = ["user"]


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
    list_filter = [("done_at", admin.EmptyFieldListFilter), "priority"]
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

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say no: the pipeline queues detections."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Say no: a verdict closes the task."""
        return False
