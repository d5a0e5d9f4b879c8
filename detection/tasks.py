"""Celery's door into detection."""

from celery import shared_task

from detection import services
from detection.models import ModelRun


@shared_task
def infer(run_id: str) -> None:
    """Score the candidates of one difference."""
    runs = ModelRun.objects.select_related(
        *("model", "unet", "anomaly_detector", "observation"),
        "difference_run__reference_observation",
    )
    run = runs.get(pk=run_id)
    with run.working():
        services.infer(run)
