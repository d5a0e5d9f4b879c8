"""Review in the admin."""

from curation.admin import accounts, alerts, detections, queues, verdicts

__all__ = ["accounts", "alerts", "detections", "queues", "verdicts"]
