"""Celery's door into preprocessing."""

from celery import shared_task

from preprocessing import services
from preprocessing.models import CalibrationRun, PreprocessRun
from preprocessing.raw import calibration


@shared_task
def preprocess(run_id: str) -> None:
    """Calibrate and align the image of one run."""
    run = PreprocessRun.objects.select_related("observation__survey").get(pk=run_id)
    with run.working():
        services.preprocess(run)


@shared_task
def build_master(run_id: str) -> None:
    """Build the master of one run."""
    run = CalibrationRun.objects.get(pk=run_id)
    with run.working():
        calibration.build_master(run)
