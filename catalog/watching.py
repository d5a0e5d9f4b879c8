"""The daily look at the networks in force."""

from django.db import transaction

from catalog import config
from catalog.receivers import announce
from curation.drift_alerts import raise_drift_alerts
from detection.driftalarms import Turns, follow
from detection.watching import measure_drift


def watch_models() -> Turns:
    """Bring the weeks of all networks up to date; tell operators where drift begins and ends."""
    measure_drift(config.get("watch"))
    with transaction.atomic():
        turns = follow()
        rules = config.get("alert_rules")
        raised = [raise_drift_alerts(alarm, rules) for alarm in [*turns.begun, *turns.over]]
    for alerts in raised:
        announce(alerts)
    return turns
