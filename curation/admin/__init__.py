"""Review in the admin."""

from curation.admin import alerts, detections, verdicts

__all__ = ["alerts", "detections", "verdicts"]
