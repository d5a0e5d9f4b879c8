"""Celery's door into the catalog."""

from celery import shared_task

from astrid.core.hints import nudge
from catalog import watching
from catalog.exports import service as exports
from catalog.models import ExportJob


@shared_task
def watch_models() -> None:
    """Look whether networks drift, and let MLflow catch up; beat runs this every day."""
    watching.watch_models()
    nudge("detection.tasks.mirror_models")


@shared_task
def export(job_id: str) -> None:
    """Make the file that somebody asked for."""
    for job in ExportJob.objects.filter(pk=job_id):
        exports.work_off(job)
