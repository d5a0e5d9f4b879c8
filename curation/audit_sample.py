"""The judged part of the random sample, read from the rows."""

from dataclasses import dataclass

import numpy as np

from curation.models import ReviewTask, ValidationEvent
from curation.unbiased import Sample
from detection.models import Model


@dataclass(frozen=True)
class Audit:
    """The sample and what is not in it.

    Attributes
    ----------
    sample : Sample
    waiting : int
        Drawn, not yet judged, or judged before their turn in the queue came: who chooses what to
        judge chooses the easy ones.
    undecided : int
        Judged unsure, or real by one and bogus by another.
    """

    sample: Sample
    waiting: int
    undecided: int


def audit_of(row: Model) -> Audit:
    """Read the random sample of what a network scored, with the verdicts in force."""
    drawn = ReviewTask.objects.filter(
        sampling_weight__isnull=False, detection__model_run__model=row
    )
    offered = drawn.filter(offered_at__isnull=False).values_list(
        "detection",
        "detection__confidence_score",
        "detection__is_audit",
        "sampling_weight",
    )
    votes = _votes_on(row)
    judged = [each for each in offered if each[0] in votes]
    settled = [each for each in judged if len(votes[each[0]]) == 1]
    return Audit(
        sample=Sample(
            confidence=np.array([each[1] for each in settled], float),
            is_real=np.array([True in votes[each[0]] for each in settled], bool),
            is_believed=np.array([not each[2] for each in settled], bool),
            weight=np.array([each[3] for each in settled], float),
        ),
        waiting=drawn.count() - len(judged),
        undecided=len(judged) - len(settled),
    )


def _votes_on(row: Model) -> dict[object, set[bool]]:
    """Give the different votes on each drawn detection; nothing but unsure ones: none."""
    events = ValidationEvent.objects.current().filter(
        detection__model_run__model=row, detection__review_task__sampling_weight__isnull=False
    )
    votes: dict[object, set[bool]] = {}
    for key, is_valid, is_unsure in events.values_list("detection", "is_valid", "is_unsure"):
        said = votes.setdefault(key, set())
        if not is_unsure:
            said.add(is_valid)
    return votes
