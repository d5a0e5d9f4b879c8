"""What the operators of a survey decide about review and alerts; stored in SystemConfig."""

from dataclasses import dataclass

from astrid.core.parameters import REQUIRED, check_limits, tunable
from curation.models import ConfidenceLevel, Priority, Trigger
from detection.models import DetectionType


@dataclass(frozen=True, kw_only=True)
class ReviewPolicy:
    """How many verdicts settle a detection, and how long a curator keeps one to himself."""

    votes_required: int = tunable(1, "curators who must agree before it is confirmed", ge=1, le=20)
    lease_seconds: float = tunable(
        600.0, "a task shown to one curator is kept for them", unit="s", gt=0
    )

    def __post_init__(self) -> None:
        """Refuse a policy under which nothing is ever, or always, confirmed."""
        check_limits(self)


@dataclass(frozen=True, kw_only=True)
class ReviewOrder:
    """What curators are asked first; all weights 0: the highest score."""

    random_share: float = tunable(
        0.2,
        "share of the verdicts that goes to detections drawn by chance, so that figures are fair",
        ge=0,
        le=1,
    )
    uncertainty: float = tunable(1.0, "weight of the network's own doubt", ge=0)
    disagreement: float = tunable(1.0, "weight of what champion and challenger differ by", ge=0)
    novelty: float = tunable(1.0, "weight of how unlike all that was learned it is", ge=0)

    def __post_init__(self) -> None:
        """Refuse shares and weights that order nothing."""
        check_limits(self)


@dataclass(frozen=True, kw_only=True)
class RetrainingParameters:
    """What a verdict is worth to a network that learns from it."""

    low: float = tunable(0.3, "weight of a verdict of low confidence", gt=0, le=1)
    medium: float = tunable(0.6, "of medium confidence, and where nothing was said", gt=0, le=1)
    high: float = tunable(0.85, "of high confidence", gt=0, le=1)
    expert: float = tunable(1.0, "of an expert's", gt=0, le=1)
    largest_sampling_weight: float = tunable(
        10.0, "one verdict stands for so many candidates at most", ge=1
    )
    test_share: float = tunable(
        0.3, "share of the sky that is for judging, never for learning", gt=0, lt=1
    )
    calibration_share: float = tunable(
        0.3, "share of the other sky that the confidence is fitted to, not the weights", gt=0, lt=1
    )
    least_of_a_kind: int = tunable(
        20, "real and bogus verdicts that each part of the sky needs", unit="rows", ge=2
    )
    epochs: int = tunable(4, "times that the network sees every stamp", ge=1, le=50)
    learning_rate: float = tunable(5e-4, "first step of the fit", gt=0, le=0.01)
    rehearsal_scenes: int = tunable(
        240, "simulated scenes of its first training that it meets again, at most", ge=1, le=1000
    )
    seed: int = tunable(1, "of every draw in the training", ge=0)

    def __post_init__(self) -> None:
        """Refuse weights and shares that nothing can be learned with."""
        check_limits(self)

    def certainty_of(self, level: str | None) -> float:
        """Give the weight of a verdict by how sure its curator was."""
        return {
            ConfidenceLevel.LOW: self.low,
            ConfidenceLevel.HIGH: self.high,
            ConfidenceLevel.EXPERT: self.expert,
        }.get(ConfidenceLevel(level or ConfidenceLevel.MEDIUM), self.medium)


@dataclass(frozen=True, kw_only=True)
class AlertRuleSpec:
    """When to tell whom: one item of the setting ``alert_rules``."""

    name: str = tunable(REQUIRED, "its own name, up to 100 characters")
    trigger: Trigger = tunable(Trigger.CONFIRMED, "detected, confirmed, drift or export")  # noqa: RUF009 -- a field
    min_confidence: float = tunable(0.0, "lowest network score that counts", ge=0, le=1)
    detection_types: tuple[DetectionType, ...] = tunable(
        (), "classes that count; empty means every class"
    )
    priority: Priority = tunable(Priority.MEDIUM, "low, medium, high or critical")  # noqa: RUF009
    channels: tuple[str, ...] = tunable((), "names of alert channels to write to")

    def __post_init__(self) -> None:
        """Refuse a rule without a name or with a confidence that no score can have."""
        check_limits(self)
        if not 0 < len(self.name) <= 100:
            raise ValueError(f"the name has {len(self.name)} characters; it must have 1 to 100")


@dataclass(frozen=True, kw_only=True)
class DeliveryPolicy:
    """How long and how often a message is tried."""

    max_attempts: int = tunable(6, "tries in all", ge=1, le=50)
    first_wait_seconds: float = tunable(60.0, "wait before the second try", unit="s", gt=0)
    backoff: float = tunable(4.0, "each wait is this many times the last one", ge=1)
    max_wait_seconds: float = tunable(6 * 3600.0, "longest wait", unit="s", gt=0)
    timeout_seconds: float = tunable(10.0, "longest wait for an answer", unit="s", gt=0)
    lease_seconds: float = tunable(300.0, "a sender silent this long is given up", unit="s", gt=0)

    def __post_init__(self) -> None:
        """Refuse a lease that ends while its sender may still be waiting for the answer."""
        check_limits(self)
        if self.lease_seconds <= 2 * self.timeout_seconds:
            raise ValueError(
                f"lease_seconds is {self.lease_seconds}; it must be more than twice "
                f"timeout_seconds, {self.timeout_seconds}"
            )

    def wait_after(self, attempts: int) -> float:
        """Seconds to wait after this many failed attempts; grows geometrically to a limit."""
        return min(self.max_wait_seconds, self.first_wait_seconds * self.backoff ** (attempts - 1))
