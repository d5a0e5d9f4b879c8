"""What follows from a detection, its confirmation, taking that back, and from a wish to compare."""

from typing import Any

from astrid.core.hints import hint, nudge
from catalog import config, jobs
from catalog.live.events import tell_of
from catalog.live.waking import wake
from catalog.models import JobType
from catalog.publish import publish_object_of
from curation import alerts
from curation.delivery import cancel
from curation.models import Alert, Delivery, DeliveryStatus, Trigger
from curation.queue import one_per_sighting, open_tasks
from curation.tasks import deliver
from detection.association import adopt
from detection.models import Detection
from differencing.models import DifferenceRun
from differencing.references import stacks
from observations.models import Observation


def hand_over(*, detections: list[Detection], **_: Any) -> None:
    """Queue new detections for review, and raise the alerts that wait for a detection.

    One thing in one exposure is told of once, as it is asked about once. What the network
    rejected and chance drew is asked about and not told of.
    """
    new = one_per_sighting(detections)
    open_tasks(new)
    found = [one for one in new if not one.is_audit]
    tell_of(found)
    announce(alerts.raise_alerts(found, config.get("alert_rules"), Trigger.DETECTED))


def announce(raised: list[Alert]) -> None:
    """Tell the workers that letters wait; the sweep finds those that nobody heard of."""
    wake()
    for delivery in Delivery.objects.filter(alert__in=raised):
        hint(deliver, str(delivery.pk))


def record(*, detection: Detection, **_: Any) -> None:
    """Write the object's catalog entry, and the alerts that wait for a confirmation."""
    if detection.sky_object is None:
        adopt(detection, config.get("detection").association_radius_arcsec / 3600)
    publish_object_of(detection)
    announce(alerts.raise_alerts([detection], config.get("alert_rules"), Trigger.CONFIRMED))


def withdraw(*, detection: Detection, **_: Any) -> None:
    """Renew or retract the object's catalog entry, and hold back letters that are out of date."""
    publish_object_of(detection)
    wake()
    told = Delivery.objects.filter(
        alert__detection=detection, alert__rule__trigger=Trigger.CONFIRMED
    )
    for letter in told.filter(status__in=[DeliveryStatus.PENDING, DeliveryStatus.FAILED]):
        cancel(letter)


def start_comparison(*, run: DifferenceRun, **_: Any) -> None:
    """Write the job of a comparison that somebody asked for, and tell the workers."""
    tries = config.get("pipeline").max_retries
    jobs.open_job(JobType.DIFFERENCE, run.observation, run, max_retries=tries)
    nudge("astrid.pipeline.sweep")


def start_reference(*, grid: Observation, **_: Any) -> None:
    """Open the run of a reference that somebody wants built anew, and tell the workers."""
    run = stacks.open_run(grid, config.get("reference"), is_forced=True)
    jobs.open_job(JobType.REFERENCE, grid, run, max_retries=config.get("pipeline").max_retries)
    nudge("astrid.pipeline.sweep")
