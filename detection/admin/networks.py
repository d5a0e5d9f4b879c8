"""Networks and their trainings."""

from django.contrib import admin

from astrid.core.admin import ReadOnlyAdmin, RunAdmin
from detection.models import Model, TrainingDataset, TrainingRun


@admin.register(Model)
class MLModelAdmin(ReadOnlyAdmin):
    """Networks; they are registered and promoted by commands, which check the weights."""

    list_display = [
        "name",
        "version",
        "model_type",
        "is_active",
        "precision",
        "recall",
        "deployment_date",
    ]
    list_filter = ["model_type", "is_active"]
    search_fields = ["name", "version"]
    search_help_text = "A name, a version or an id"


@admin.register(TrainingDataset)
class TrainingDatasetAdmin(ReadOnlyAdmin):
    """Labelled snapshots."""

    list_display = ["name", "total_samples", "made_by", "created_at", "sha256"]
    list_select_related = ["made_by"]


@admin.register(TrainingRun)
class TrainingRunAdmin(RunAdmin):
    """Trainings, newest first."""

    list_display = ["created_at", "model", "dataset", "status", "seconds", "reason"]
    list_select_related = ["model", "dataset"]
