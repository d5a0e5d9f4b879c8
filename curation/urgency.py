"""Which verdict teaches most: plain functions on what is known of a detection."""

from dataclasses import dataclass
from math import log2

from curation.parameters import ReviewOrder

# The most that members of an ensemble with confidences in 0 to 1 can scatter.
LARGEST_SPREAD = 0.5


@dataclass(frozen=True)
class Doubt:
    """What speaks for asking a person; each from 0 (nothing) to 1."""

    uncertainty: float
    disagreement: float
    novelty: float


def doubt_of(
    confidence: float,
    *,
    spread: float | None = None,
    shadow: float | None = None,
    novelty: float | None = None,
) -> Doubt:
    """Say how doubtful a detection is.

    Parameters
    ----------
    confidence : float
        Of the champion, 0 to 1. Its entropy is the uncertainty where the ensemble's spread is
        smaller or not known.
    spread : float, optional
        Standard deviation of the confidence in the ensemble.
    shadow : float, optional
        Confidence of the challenger.
    novelty : float, optional
        Distance from all that was learned; 1 is where the type becomes unknown.

    References
    ----------
    Settles 2009, Active Learning Literature Survey, sections 3.1 and 3.2.
    """
    return Doubt(
        uncertainty=max(entropy(confidence), min((spread or 0.0) / LARGEST_SPREAD, 1.0)),
        disagreement=0.0 if shadow is None else abs(confidence - shadow),
        novelty=0.0 if novelty is None else novelty / (1 + novelty),
    )


def entropy(p: float) -> float:
    """Give the entropy of a yes-or-no question in bits: 1 where both are equally likely."""
    return 0.0 if p in (0.0, 1.0) else -p * log2(p) - (1 - p) * log2(1 - p)


def urgency(doubt: Doubt, order: ReviewOrder) -> float:
    """Weigh the doubts, from 0 to 1; 0 where every weight is 0."""
    weights = (order.uncertainty, order.disagreement, order.novelty)
    parts = (doubt.uncertainty, doubt.disagreement, doubt.novelty)
    total = sum(weights)
    weighed = sum(weight * part for weight, part in zip(weights, parts, strict=True))
    return weighed / total if total else 0.0


def is_audit_turn(verdicts: int, share: float) -> bool:
    """Say whether the next verdict of somebody who gave so many belongs to the random sample."""
    return int((verdicts + 1) * share + 1e-9) > int(verdicts * share + 1e-9)
