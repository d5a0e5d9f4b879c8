"""The daily look at the networks in force."""

from catalog import config
from catalog.receivers import announce
from curation.drift_alerts import raise_drift_alerts
from detection.models import DriftWeek
from detection.watching import measure_drift


def watch_models() -> list[DriftWeek]:
    """Bring the weeks of all networks up to date; tell operators of those that begin to alarm."""
    alarmed = measure_drift(config.get("watch"))
    rules = config.get("alert_rules")
    for week in alarmed:
        announce(raise_drift_alerts(week, rules))
    return alarmed
