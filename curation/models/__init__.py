"""What people say of detections, who they are, and whom we tell."""

from curation.models.alerts import (
    Alert,
    AlertChannel,
    AlertRule,
    AlertStatus,
    ChannelKind,
    Delivery,
    DeliveryStatus,
    Priority,
    Trigger,
)
from curation.models.labels import ValidationLabel
from curation.models.people import Curator
from curation.models.queues import (
    Lease,
    Order,
    ReviewQueue,
    ReviewTask,
    ReviewTaskQuerySet,
    SkippedTask,
)
from curation.models.verdicts import ConfidenceLevel, Quality, ValidationEvent

__all__ = [
    "Alert",
    "AlertChannel",
    "AlertRule",
    "AlertStatus",
    "ChannelKind",
    "ConfidenceLevel",
    "Curator",
    "Delivery",
    "DeliveryStatus",
    "Lease",
    "Order",
    "Priority",
    "Quality",
    "ReviewQueue",
    "ReviewTask",
    "ReviewTaskQuerySet",
    "SkippedTask",
    "Trigger",
    "ValidationEvent",
    "ValidationLabel",
]
