"""Review in the admin."""

from curation.admin import accounts, alerts, detections, gold, networks, queues, verdicts

__all__ = ["accounts", "alerts", "detections", "gold", "networks", "queues", "verdicts"]
