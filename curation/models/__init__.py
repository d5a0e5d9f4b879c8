"""What people say of detections, who they are, and whom we tell."""

from curation.models.agreement import AgreementRun, LabelProbability
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
from curation.models.gold import (
    GoldAnswer,
    GoldItem,
    GoldTrial,
    GoldVerdict,
    InjectionTest,
    Origin,
    Truth,
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
    "AgreementRun",
    "Alert",
    "AlertChannel",
    "AlertRule",
    "AlertStatus",
    "ChannelKind",
    "ConfidenceLevel",
    "Curator",
    "Delivery",
    "DeliveryStatus",
    "GoldAnswer",
    "GoldItem",
    "GoldTrial",
    "GoldVerdict",
    "InjectionTest",
    "LabelProbability",
    "Lease",
    "Order",
    "Origin",
    "Priority",
    "Quality",
    "ReviewQueue",
    "ReviewTask",
    "ReviewTaskQuerySet",
    "SkippedTask",
    "Trigger",
    "Truth",
    "ValidationEvent",
    "ValidationLabel",
]
