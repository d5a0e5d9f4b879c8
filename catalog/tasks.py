"""Celery's door into the catalog."""

from celery import shared_task

from astrid.core.hints import nudge
from catalog import teaching, watching
from catalog.analytics import sums
from catalog.crossmatch import service as crossmatches
from catalog.exports import saved
from catalog.exports import service as exports
from catalog.live import events
from catalog.models import CrossmatchJob, ExportJob, SavedQuery
from catalog.vo import uws
from detection.models import TrainingRun


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
        saved.follow_up(job)


@shared_task
def retrain(run_id: str) -> None:
    """Let the network in force learn from verdicts, as somebody asked for."""
    for run in TrainingRun.objects.filter(pk=run_id):
        teaching.work_off(run)


@shared_task
def run_saved_query(key: str) -> None:
    """Make tonight's file of a saved query; beat runs this at its hour."""
    for row in SavedQuery.objects.filter(pk=key):
        saved.run_by_schedule(row)


@shared_task
def crossmatch(job_id: str) -> None:
    """Match the table that somebody sent."""
    for job in CrossmatchJob.objects.filter(pk=job_id):
        crossmatches.work_off(job)


@shared_task
def run_tap_job(key: str) -> None:
    """Answer one queued query of the Virtual Observatory."""
    uws.run(key)


@shared_task
def tend_tap_jobs() -> None:
    """Remove old queries and start those that nobody took; beat runs this every minute."""
    uws.tend()


@shared_task
def add_up() -> None:
    """Add what was tallied to the daily summaries; beat runs this every five minutes."""
    sums.fold()


@shared_task
def forget_events() -> None:
    """Delete events that nobody comes back for; beat runs this every hour."""
    events.forget()
