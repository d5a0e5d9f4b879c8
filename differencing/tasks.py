"""Celery's door into differencing."""

from celery import shared_task

from differencing import services
from differencing.models import DifferenceRun, ReferenceRun
from differencing.references import stacks


@shared_task
def difference(run_id: str) -> None:
    """Subtract the reference, then store what stands out."""
    runs = DifferenceRun.objects.select_related(
        "observation__survey", "reference_observation", "reference_image"
    )
    run = runs.get(pk=run_id)
    with run.working():
        services.difference(run)


@shared_task
def build_reference(run_id: str) -> None:
    """Build the reference of a sky cell, if it is better than the one in force."""
    run = ReferenceRun.objects.select_related("grid_observation__survey").get(pk=run_id)
    with run.working():
        stacks.build(run)
