"""Celery's door into detection."""

import logging

from celery import shared_task
from django.utils import timezone

from astrid.core.errors import AstridError
from detection import forced, mirror, services
from detection.curves import catchup
from detection.models import ForcedPhotometryRun, ModelRun

logger = logging.getLogger(__name__)


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


@shared_task
def force(run_id: str) -> None:
    """Measure the known objects on one difference."""
    runs = ForcedPhotometryRun.objects.select_related(
        "difference_run__observation__survey", "difference_run__reference_observation"
    )
    run = runs.get(pk=run_id)
    with run.working():
        forced.measure(run)


@shared_task
def store_light_curves() -> None:
    """Store the curves of objects that nobody measures any more; beat runs this every day."""
    for _ in catchup.store_all(catchup.settled(timezone.now())):
        pass


@shared_task
def mirror_models() -> None:
    """Tell MLflow which networks there are; where it is away, the next time does."""
    try:
        mirror.mirror()
    except AstridError as error:
        logger.warning("%s", error)
