"""What the operators of a survey decide about review and alerts; stored in SystemConfig."""

from dataclasses import dataclass, field

from curation.models import Priority, Trigger
from detection.models import DetectionType


@dataclass(frozen=True, kw_only=True)
class ReviewPolicy:
    """How many verdicts settle a detection, and how long a curator keeps one to himself."""

    votes_required: int = field(
        default=1,
        metadata={"ge": 1, "le": 20, "meaning": "curators who must agree before it is confirmed"},
    )
    lease_seconds: float = field(
        default=600.0,
        metadata={"gt": 0, "unit": "s", "meaning": "a task shown to one curator is kept for them"},
    )

    def __post_init__(self) -> None:
        """Refuse a policy under which nothing is ever, or always, confirmed."""
        if self.votes_required < 1:
            raise ValueError(f"votes_required is {self.votes_required}; it must be 1 or more")
        if self.lease_seconds <= 0:
            raise ValueError(f"lease_seconds is {self.lease_seconds}; it must be above 0")


@dataclass(frozen=True, kw_only=True)
class AlertRuleSpec:
    """When to tell whom: one item of the setting ``alert_rules``."""

    name: str = field(metadata={"meaning": "its own name, up to 100 characters"})
    trigger: Trigger = field(
        default=Trigger.CONFIRMED, metadata={"meaning": "detected or confirmed"}
    )
    min_confidence: float = field(
        default=0.0, metadata={"ge": 0, "le": 1, "meaning": "lowest network score that counts"}
    )
    detection_types: tuple[DetectionType, ...] = field(
        default=(), metadata={"meaning": "classes that count; empty means every class"}
    )
    priority: Priority = field(
        default=Priority.MEDIUM, metadata={"meaning": "low, medium, high or critical"}
    )
    channels: tuple[str, ...] = field(
        default=(), metadata={"meaning": "names of alert channels to write to"}
    )

    def __post_init__(self) -> None:
        """Refuse a rule without a name or with a confidence that no score can have."""
        if not 0 < len(self.name) <= 100:
            raise ValueError(f"the name has {len(self.name)} characters; it must have 1 to 100")
        if not 0 <= self.min_confidence <= 1:
            raise ValueError(f"min_confidence is {self.min_confidence}; it must lie in 0 to 1")


@dataclass(frozen=True, kw_only=True)
class DeliveryPolicy:
    """How long and how often a message is tried."""

    max_attempts: int = field(default=6, metadata={"ge": 1, "le": 50, "meaning": "tries in all"})
    first_wait_seconds: float = field(
        default=60.0, metadata={"gt": 0, "unit": "s", "meaning": "wait before the second try"}
    )
    backoff: float = field(
        default=4.0, metadata={"ge": 1, "meaning": "each wait is this many times the last one"}
    )
    max_wait_seconds: float = field(
        default=6 * 3600.0, metadata={"gt": 0, "unit": "s", "meaning": "longest wait"}
    )
    timeout_seconds: float = field(
        default=10.0, metadata={"gt": 0, "unit": "s", "meaning": "longest wait for an answer"}
    )
    lease_seconds: float = field(
        default=300.0,
        metadata={"gt": 0, "unit": "s", "meaning": "a sender silent this long is given up"},
    )

    def __post_init__(self) -> None:
        """Refuse a lease that ends while its sender may still be waiting for the answer."""
        if self.lease_seconds <= 2 * self.timeout_seconds:
            raise ValueError(
                f"lease_seconds is {self.lease_seconds}; it must be more than twice "
                f"timeout_seconds, {self.timeout_seconds}"
            )

    def wait_after(self, attempts: int) -> float:
        """Seconds to wait after this many failed attempts; grows geometrically to a limit."""
        return min(self.max_wait_seconds, self.first_wait_seconds * self.backoff ** (attempts - 1))
