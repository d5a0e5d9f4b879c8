"""Review in the admin."""

from curation.admin import accounts, alerts, detections, verdicts

__all__ = ["accounts", "alerts", "detections", "verdicts"]
