"""Celery's door into the catalog."""

from celery import shared_task

from astrid.core.hints import nudge
from catalog import watching


@shared_task
def watch_models() -> None:
    """Look whether networks drift, and let MLflow catch up; beat runs this every day."""
    watching.watch_models()
    nudge("detection.tasks.mirror_models")
