"""Items whose answer is known, and what the weighing of all verdicts gave."""

from django.contrib import admin
from django.http import HttpRequest

from astrid.core.admin import ConsoleAdmin, ReadOnlyAdmin
from curation.models import AgreementRun, GoldItem


@admin.register(GoldItem)
class GoldItemAdmin(ConsoleAdmin):
    """Gold items and fakes; staff switch them off and on."""

    is_large = False
    introduction = (
        "Items whose answer is known, mixed into the queues unseen. Detections become gold from "
        "their list (actions), by the agreement of many, or as sources that make_fakes injects."
    )
    list_display = ["created_at", "origin", "truth", "label", "detection", "snr", "is_active"]
    list_filter = ["origin", "truth", "is_active"]
    list_select_related = ["detection"]
    id_fields = ["pk", "detection_id"]
    search_help_text = "The id of an item or a detection"
    readonly_fields = [
        "detection", "model_run", "truth", "label", "origin", "magnitude", "snr", "added_by",
    ]  # fmt: skip
    fields = [*readonly_fields, "is_active"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say no: detections are marked in their list, fakes are made by a command."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Say no: people were measured with it; switch it off instead."""
        return False


@admin.register(AgreementRun)
class AgreementRunAdmin(ReadOnlyAdmin):
    """What all verdicts together say, each time they were weighed."""

    is_large = False
    list_display = ["created_at", "events", "detections", "prevalence", "alpha", "iterations"]
