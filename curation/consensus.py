"""From verdicts to a status: plain functions on votes, no database."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from detection.models import DetectionStatus


@dataclass(frozen=True)
class Vote:
    """One person's current verdict, oldest first in any list of them."""

    is_valid: bool | None  # None: cannot tell
    label: str | None = None
    detection_type: str | None = None
    decides: bool = False  # an adjudicator's


@dataclass(frozen=True)
class Outcome:
    """What a set of votes says."""

    status: DetectionStatus
    label: str | None
    share: float  # of all votes, those on the side that leads; 0 when all are unsure


def outcome(votes: Sequence[Vote], votes_required: int) -> Outcome:
    """Say where the votes put a detection.

    An adjudicator's word, the last one given, settles it whatever the others say.
    Unsure votes take no side. Real against bogus is a disagreement unless bogus has the
    majority, which rejects. Real votes agree when their labels count as the same class; as
    soon as ``votes_required`` of them agree, the detection is confirmed.

    Raises
    ------
    ValueError
        If there is no vote.
    """
    if not votes:
        raise ValueError("no vote: a detection without verdicts has no outcome")
    real = [vote for vote in votes if vote.is_valid is True]
    bogus = [vote for vote in votes if vote.is_valid is False]
    share = max(len(real), len(bogus)) / len(votes)
    word = next((vote for vote in reversed(votes) if vote.decides), None)
    if word is not None:
        return _decided(word, votes)
    if len(bogus) > len(real):
        return Outcome(DetectionStatus.REJECTED, leading_label(bogus), share)
    if bogus or not real:
        return Outcome(DetectionStatus.VALIDATING, None, share)
    agreeing = max(Counter(vote.detection_type for vote in real).values())
    reached = agreeing >= votes_required
    status = DetectionStatus.CONFIRMED if reached else DetectionStatus.VALIDATED
    return Outcome(status, leading_label(real), share)


def _decided(word: Vote, votes: Sequence[Vote]) -> Outcome:
    same = sum(vote.is_valid == word.is_valid for vote in votes)
    if word.is_valid is None:
        return Outcome(DetectionStatus.VALIDATING, None, 0.0)
    status = DetectionStatus.CONFIRMED if word.is_valid else DetectionStatus.REJECTED
    return Outcome(status, word.label, same / len(votes))


def leading_label(votes: Sequence[Vote]) -> str | None:
    """Give the most frequent label; of several, the one given last; None without labels."""
    labels = [vote.label for vote in votes if vote.label]
    counts = Counter(labels)
    return max(reversed(labels), key=counts.__getitem__, default=None)
