"""Networks, objects of the sky and detections in the admin."""

from detection.admin import context, forced, life, networks, objects, runs
from detection.admin.detections import DetectionAdmin

__all__ = ["DetectionAdmin", "context", "forced", "life", "networks", "objects", "runs"]
