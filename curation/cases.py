"""Disputed detections as the adjudication page gets them: all that was said, and its weight."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef

from curation import items
from curation.adjudication import cases
from curation.errors import NotAllowed
from curation.items import Item, Place
from curation.models import AgreementRun, LabelProbability, SkippedTask, ValidationEvent
from curation.services import DECIDE

COUNTED = 1000  # more open cases than this are not counted
LABELS_NAMED, LEAST_SHARE = 3, 0.05
_PERCENT = 100


def check_may_decide(person: User) -> None:
    """Refuse people who may judge at most.

    Raises
    ------
    NotAllowed
        With whom to ask.
    """
    if not person.has_perm(DECIDE):
        raise NotAllowed(
            f"{person.get_username()} may not settle disputes; ask for the operator role"
        )


def take(person: User, number: int, have: Collection[UUID]) -> tuple[list[Item], int]:
    """Give the most open cases that a person neither has nor passed over, and how many there are.

    Nobody holds a case: of two decisions the last one counts.
    """
    skipped = SkippedTask.objects.filter(
        detection=OuterRef("pk"), person=person, is_withdrawn=False
    )
    waiting = cases().filter(~Exists(skipped))
    chosen = list(waiting.exclude(pk__in=have).values_list("pk", flat=True)[:number])
    return cases_of(chosen), len(waiting.values_list("pk")[:COUNTED])


def cases_of(detections: Sequence[UUID]) -> list[Item]:
    """Give detections as items with their case, in the same order."""
    rows = items.detections_by_id(detections)
    shown = items.show([Place(key, rows[key]) for key in detections], blind=False)
    told = _told_of(detections)
    return [
        item | {"case": told[key], "votes": []} for key, item in zip(detections, shown, strict=True)
    ]


def _told_of(detections: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    run = AgreementRun.objects.first()
    weighed = {
        row.detection_id: row for row in LabelProbability.objects.filter(detection__in=detections)
    }
    votes = _votes_on(detections)
    return {
        key: {
            "probability": weighed[key].probability if key in weighed else None,
            "words": in_words(run, weighed.get(key), len(votes[key])),
            "votes": [_vote(event, run) for event in votes[key]],
        }
        for key in detections
    }


def _votes_on(detections: Sequence[UUID]) -> dict[UUID, list[ValidationEvent]]:
    events = ValidationEvent.objects.current().filter(detection__in=detections)
    found: dict[UUID, list[ValidationEvent]] = defaultdict(list)
    for event in events.select_related("validator").order_by("id"):
        found[event.detection_id].append(event)
    return found


def _vote(event: ValidationEvent, run: AgreementRun | None) -> dict[str, Any]:
    name = event.validator.get_username()
    known = run.curators.get(name) if run else None
    return {
        "by": name,
        "verdict": event.verdict,
        "label": event.label,
        "at": event.created_at.isoformat(),
        "notes": event.notes or "",
        "tags": event.tags or [],
        "confidence": event.confidence_level or "",
        "ms_spent": event.ms_spent,
        "how": "judged blind" if event.blind else "",
        "weight": weight_in_words(event.verdict, known),
    }


def weight_in_words(verdict: str, known: dict[str, Any] | None) -> str:
    """Say what a verdict does to the odds of being real, and from which reliability."""
    if known is None:
        return "Not weighed yet."
    real, bogus = known["sensitivity"], known["specificity"]
    reliability = (
        f"Calls {_PERCENT * real:.0f}% of the real ones real, {_PERCENT * bogus:.0f}% of the "
        "bogus ones bogus"
    )
    if verdict == "real":
        return f"{reliability}: multiplies the odds of real by {real / (1 - bogus):.1f}."
    if verdict == "bogus":
        return f"{reliability}: divides the odds of real by {bogus / (1 - real):.1f}."
    return f"{reliability}; unsure moves nothing."


def in_words(run: AgreementRun | None, row: LabelProbability | None, votes: int) -> str:
    """Say how probable it is that a detection is real, and what that rests on."""
    if run is None or row is None or run.prevalence is None:
        return "The verdicts contradict one another and have not been weighed yet."
    sure = (
        f"{_PERCENT * row.probability:.0f}% probable to be real: {_PERCENT * run.prevalence:.0f}% "
        f"of all are, and {row.votes} verdict{'s' * (row.votes != 1)} moved that, each by its "
        "weight below (Dawid and Skene)."
    )
    when = f"Weighed {run.created_at:%Y-%m-%d %H:%M} UTC"
    late = "" if row.votes == votes else ", before the last verdict here"
    return f"{sure}{_classes_in_words(row.classes)} {when}{late}."


def _classes_in_words(classes: dict[str, float] | None) -> str:
    """Name the labels that weigh most; empty where nobody said one."""
    likely = sorted((classes or {}).items(), key=lambda each: -each[1])[:LABELS_NAMED]
    told = [
        f"{name.replace('_', ' ')} {_PERCENT * share:.0f}%"
        for name, share in likely
        if share >= LEAST_SHARE
    ]
    return f" By its labels: {', '.join(told)}." if told else ""
