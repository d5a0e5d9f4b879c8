"""Saved queues: a form with one field for each thing that a queue can ask for."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from astrid.core.admin import ConsoleAdmin, ReadOnlyAdmin
from astrid.core.errors import BadParameters
from curation import flags, queue_indexes
from curation.filters import QueueFilter
from curation.models import ReviewQueue, ReviewTask, SkippedTask
from curation.queue import ask_for_votes
from detection.models import DetectionType
from observations.models import Survey

_BESIDE = (("", "wherever"), ("true", "beside a galaxy"), ("false", "apart from galaxies"))
_SAID = {"": None, "true": True, "false": False}


def _several(choices: Sequence[tuple[str, str]]) -> forms.TypedMultipleChoiceField:
    return forms.TypedMultipleChoiceField(
        choices=choices, required=False, widget=forms.CheckboxSelectMultiple
    )


class QueueForm(forms.ModelForm):
    """A queue with its filter as fields."""

    surveys = forms.ModelMultipleChoiceField(Survey.objects.order_by("name"), required=False)
    bands = forms.CharField(required=False, help_text="Names of filters, with commas between.")
    classes = _several(DetectionType.choices)
    score_min = forms.FloatField(required=False, min_value=0, max_value=1)
    score_max = forms.FloatField(required=False, min_value=0, max_value=1)
    snr_min = forms.FloatField(required=False, label="S/N from")
    snr_max = forms.FloatField(required=False, label="S/N to")
    without_flags = _several([(name, name.replace("_", " ")) for name in flags.NAMES])
    only_new_objects = forms.BooleanField(required=False)
    near_galaxy = forms.TypedChoiceField(
        choices=_BESIDE, required=False, coerce=_SAID.get, empty_value=None
    )

    class Meta:
        model = ReviewQueue
        fields = [
            "name", "slug", "is_active", "position", "curators", "order", "votes_required",
            "blind", "gold_share", "fake_share", "show_feedback",
        ]  # fmt: skip

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        stored = self.instance.filter or {}
        for name in FILTER_FIELDS:
            self.initial.setdefault(name, stored.get(name))
        self.initial["bands"] = ", ".join(stored.get("bands", ()))
        self.initial["near_galaxy"] = str(stored.get("near_galaxy", "")).lower()

    def clean(self) -> dict[str, Any]:
        """Put the filter together, and refuse one that holds nothing."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        wanted = {name: given.get(name) for name in FILTER_FIELDS}
        wanted["surveys"] = [str(survey.pk) for survey in given.get("surveys") or ()]
        wanted["bands"] = [b.strip() for b in (given.get("bands") or "").split(",") if b.strip()]
        try:
            self.instance.filter = QueueFilter.of(wanted).as_json()
        except BadParameters as error:
            raise ValidationError(str(error)) from error
        return given


FILTER_FIELDS = (
    "surveys", "bands", "classes", "score_min", "score_max", "snr_min", "snr_max",
    "without_flags", "only_new_objects", "near_galaxy",
)  # fmt: skip


@admin.register(ReviewQueue)
class ReviewQueueAdmin(ConsoleAdmin):
    """Saved queues; curators get them in the order of their positions."""

    is_large = False
    form = QueueForm
    introduction = (
        "A queue is a filter, an order and a policy over the detections that wait. The first "
        "active one that a curator may work on is what the review page shows."
    )
    list_display = ["name", "slug", "order", "votes_required", "blind", "is_active", "position"]
    list_filter = ["is_active", "order"]
    search_fields = ["name", "slug"]
    search_help_text = "A name or an id"
    autocomplete_fields = ["curators"]
    prepopulated_fields = {"slug": ["name"]}
    fieldsets = [
        (None, {"fields": ["name", "slug", "is_active", "position", "curators"]}),
        ("Which detections", {"fields": FILTER_FIELDS}),
        ("How", {"fields": ["order", "votes_required", "blind"]}),
        ("Tests mixed in", {"fields": ["gold_share", "fake_share", "show_feedback"]}),
    ]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save, index what it asks for, and tell the waiting tasks how many votes they need."""
        super().save_model(request, obj, form, change)
        queue_indexes.renew()
        ask_for_votes(ReviewTask.objects.waiting())

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete, with the index that served it."""
        super().delete_model(request, obj)
        queue_indexes.renew()

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Delete several, with their indexes."""
        super().delete_queryset(request, queryset)
        queue_indexes.renew()


@admin.register(SkippedTask)
class SkippedTaskAdmin(ReadOnlyAdmin):
    """What people passed over, and why."""

    list_display = ["created_at", "person", "detection", "reason", "is_withdrawn"]
    list_select_related = ["person", "detection"]
    search_fields = ["=person__username"]
    search_help_text = "The name of a person, or an id"
    id_fields = ["pk", "detection_id"]
