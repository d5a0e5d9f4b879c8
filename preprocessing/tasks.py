"""Celery's door into preprocessing."""

from celery import shared_task

from preprocessing import services
from preprocessing.models import PreprocessRun


@shared_task
def preprocess(run_id: str) -> None:
    """Calibrate and align the image of one run."""
    run = PreprocessRun.objects.select_related("observation__survey").get(pk=run_id)
    with run.working():
        services.preprocess(run)
