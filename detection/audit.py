"""A few rejected candidates of each frame, drawn by chance, so that misses can be counted."""

from collections.abc import Iterable

from astrid.core.ids import lot_of
from detection.models import Detection
from detection.scoring import Answer, Scored
from differencing.models import Candidate, CandidateStatus


def draw(scored: Scored, number: int) -> list[tuple[Candidate, Answer]]:
    """Draw ``number`` of the rejected candidates, or all where there are fewer.

    Every one has the same chance; the draw depends on nothing but their keys.
    """
    return sorted(scored.rejected, key=lambda one: lot_of(one[0].pk))[:number]


def mark(detections: Iterable[Detection], scored: Scored) -> None:
    """Say of the unsaved detections that were drawn so, and how many each stands for.

    Their type stays the likeliest one: nobody who judges them is to see that they were rejected.
    """
    drawn = [one for one in detections if _was_rejected(one)]
    for one in drawn:
        one.is_audit = True
        one.sampling_weight = len(scored.rejected) / len(drawn)


def _was_rejected(detection: Detection) -> bool:
    found = detection.candidate
    return found is not None and found.status == CandidateStatus.REJECTED
