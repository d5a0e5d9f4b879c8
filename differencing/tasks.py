"""Celery's door into differencing."""

from celery import shared_task

from differencing import services
from differencing.models import DifferenceRun


@shared_task
def difference(run_id: str) -> None:
    """Subtract the reference, then store what stands out."""
    runs = DifferenceRun.objects.select_related(
        "observation__survey", "reference_observation", "reference_image"
    )
    run = runs.get(pk=run_id)
    with run.working():
        services.difference(run)
