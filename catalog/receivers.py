"""What the catalog does when a verdict confirms, or takes a confirmation back."""

from typing import Any

from catalog import config
from catalog.publish import publish_object_of
from curation import alerts
from curation.models import Trigger
from detection.models import Detection


def record(*, detection: Detection, **_: Any) -> None:
    """Write the object's catalog entry, and the alerts that wait for a confirmation."""
    publish_object_of(detection)
    alerts.raise_alerts([detection], config.get("alert_rules"), Trigger.CONFIRMED)


def withdraw(*, detection: Detection, **_: Any) -> None:
    """Renew or retract the object's catalog entry."""
    publish_object_of(detection)
