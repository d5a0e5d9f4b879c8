"""Verdicts: one function records them and moves the detection."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from astrid.core.ids import new_id
from astrid.core.states import transition
from curation import taxonomy
from curation.consensus import Outcome, Vote, outcome
from curation.errors import KeyReused, NotAllowed, NotFound, NotReviewable, UnknownLabel
from curation.leases import mark_busy
from curation.models import (
    Curator,
    Lease,
    ReviewTask,
    SkippedTask,
    ValidationEvent,
    ValidationLabel,
)
from curation.parameters import ReviewPolicy
from curation.signals import detection_confirmed, detection_unconfirmed
from detection.models import Detection, DetectionStatus

JUDGE = "curation.add_validationevent"
DECIDE = "curation.change_reviewtask"
_SETTLED = (DetectionStatus.CONFIRMED, DetectionStatus.REJECTED)


def judge(
    detection: Detection,
    *,
    by: User,
    is_valid: bool | None,
    label: str | None,
    policy: ReviewPolicy,
    confidence_level: str | None = None,
    notes: str | None = None,
    tags: Sequence[str] | None = None,
    client_uuid: UUID | None = None,
    ms_spent: int | None = None,
    blind: bool = False,
    shown_fields: Sequence[str] = (),
    queue: str = "",
    decides: bool = False,
) -> ValidationEvent:
    """Record one verdict and move the detection to where its verdicts put it.

    ``is_valid`` is True for real, False for bogus, None for unsure. A verdict of the same
    person on the same detection is superseded, never changed. A replay of ``client_uuid``
    returns the event it made the first time and changes nothing. A verdict that ``decides``
    settles a dispute.

    Raises
    ------
    NotAllowed
        If ``by`` may not judge, or not decide.
    UnknownLabel
        If the taxonomy has no such active label, or the label contradicts ``is_valid``.
    NotReviewable
        If the detection is archived, or ``client_uuid`` belongs to another verdict.
    """
    check_may_judge(by)
    if decides and not by.has_perm(DECIDE):
        raise NotAllowed(f"{by.get_username()} may judge but not settle disputes")
    given: dict[str, Any] = {
        "is_valid": is_valid is True,
        "is_unsure": is_valid is None,
        "label": checked_label(label, is_valid),
        "confidence_level": confidence_level or None,
        "notes": notes or None,
        "tags": list(tags) if tags else None,
        "ms_spent": ms_spent,
        "blind": blind,
        "shown_fields": list(shown_fields),
        "queue": queue,
        "decides": decides,
    }
    return _record(_Said(detection, by, client_uuid or new_id(), given), policy)


def withdraw(
    detection: Detection,
    *,
    by: User,
    policy: ReviewPolicy,
    client_uuid: UUID | None = None,
    ms_spent: int | None = None,
    queue: str = "",
) -> ValidationEvent:
    """Take one's verdict back: a new event supersedes it and counts no vote.

    Raises
    ------
    NotAllowed
        If ``by`` may not judge.
    NotFound
        If no verdict of theirs is in force.
    NotReviewable
        As :func:`judge` does.
    """
    check_may_judge(by)
    given = {"is_valid": False, "withdrawn": True, "ms_spent": ms_spent, "queue": queue}
    return _record(_Said(detection, by, client_uuid or new_id(), given), policy)


def check_may_judge(by: User) -> None:
    """Refuse people who may look only."""
    if not by.has_perm(JUDGE):
        raise NotAllowed(
            f"{by.get_username()} may look but not judge; ask an operator for the curator role"
        )


def checked_label(name: str | None, is_valid: bool | None) -> str | None:
    """Give the label of a verdict; refuse one that is unknown or contradicts it."""
    if not name:
        return None
    label = taxonomy.label_of(name)
    if is_valid is not None and label.is_real != is_valid:
        raise UnknownLabel(_contradiction(label, is_valid))
    return label.name


def _contradiction(label: ValidationLabel, is_valid: bool) -> str:
    says = "something is there" if label.is_real else "nothing is there"
    fitting = ValidationLabel.objects.filter(is_active=True, is_real=is_valid).order_by("name")
    names = ", ".join(fitting.values_list("name", flat=True).distinct())
    verdict = "real" if is_valid else "bogus"
    return f"label {label.name!r} says that {says}; the verdict {verdict} goes with {names}"


@dataclass(frozen=True)
class _Said:
    """Who says what of which detection, and under which key."""

    detection: Detection
    by: User
    key: UUID
    given: dict[str, Any]


@transaction.atomic
def _record(said: _Said, policy: ReviewPolicy) -> ValidationEvent:
    # The lock on the detection makes verdicts on it follow one another.
    row = Detection.objects.select_for_update(of=("self",)).get(pk=said.detection.pk)
    replayed = ValidationEvent.objects.filter(client_uuid=said.key).first()
    if replayed is not None:
        return _same(replayed, row, said.by)
    if row.status == DetectionStatus.ARCHIVED:
        raise NotReviewable(f"detection {row.pk} is archived and takes no more verdicts")
    event = ValidationEvent.objects.create(
        detection=row,
        validator=said.by,
        client_uuid=said.key,
        supersedes=_earlier(row, said),
        **said.given,
    )
    _count(said.by)
    was_confirmed = row.status == DetectionStatus.CONFIRMED
    settle(row, policy)
    renew_task(row, policy)
    _copy_state(row, said.detection)
    _tell(row, event, was_confirmed=was_confirmed)
    return event


def _same(event: ValidationEvent, detection: Detection, by: User) -> ValidationEvent:
    if (event.detection_id, event.validator_id) != (detection.pk, by.pk):
        raise KeyReused(
            f"client_uuid {event.client_uuid} belongs to a verdict on detection "
            f"{event.detection_id}; make a new one for each verdict"
        )
    return event


def _earlier(detection: Detection, said: _Said) -> ValidationEvent | None:
    found = ValidationEvent.objects.latest_of(detection, said.by)
    if said.given.get("withdrawn") and (found is None or found.withdrawn):
        raise NotFound(
            f"no verdict of {said.by.get_username()} on detection {detection.pk} is in force; "
            "there is nothing to withdraw"
        )
    return found


def settle(detection: Detection, policy: ReviewPolicy) -> None:
    """Move a locked detection to where its verdicts in force put it."""
    events = list(detection.validation_events.current().order_by("id"))
    if not events:
        _reopen(detection)
        return
    asked = ReviewTask.objects.filter(detection=detection).values_list("votes_required", flat=True)
    _move(detection, outcome(as_votes(events), max(policy.votes_required, *asked, 1)))


def as_votes(events: Sequence[ValidationEvent]) -> list[Vote]:
    """Give verdicts as votes, in the same order."""
    classes = taxonomy.types_by_label()
    return [
        Vote(
            is_valid=None if event.is_unsure else event.is_valid,
            label=event.label,
            detection_type=classes.get(event.label or ""),
            decides=event.decides,
        )
        for event in events
    ]


def _move(detection: Detection, result: Outcome) -> None:
    if detection.status == DetectionStatus.PENDING and result.status == DetectionStatus.CONFIRMED:
        transition(detection, DetectionStatus.VALIDATED)
    transition(
        detection,
        result.status,
        is_validated=result.status != DetectionStatus.VALIDATING,
        human_label=result.label,
        validation_confidence=result.share,
    )


def _reopen(detection: Detection) -> None:
    """Let a detection whose verdicts were all withdrawn wait as if nobody had looked."""
    if detection.status == DetectionStatus.PENDING:
        return
    if detection.status != DetectionStatus.VALIDATING:
        transition(detection, DetectionStatus.VALIDATING)
    nothing = {"is_validated": False, "human_label": None, "validation_confidence": None}
    transition(detection, DetectionStatus.PENDING, **nothing)


def renew_task(detection: Detection, policy: ReviewPolicy) -> None:
    """Say on the task who has seen it; it is done once settled by as many as were asked for."""
    task = ReviewTask.objects.filter(detection=detection).first()
    if task is None:
        return
    events = detection.validation_events.current().values_list("validator_id", "decides")
    voters = {voter for voter, _ in events}
    skips = SkippedTask.objects.filter(detection=detection, is_withdrawn=False)
    task.votes = len(voters)
    task.seen_by = sorted(voters | set(skips.values_list("person_id", flat=True)))
    required = max(policy.votes_required, task.votes_required)
    is_enough = task.votes >= required or any(decides for _, decides in events)
    is_done = detection.status in _SETTLED and is_enough
    task.done_at = timezone.now() if is_done else None
    task.save(update_fields=["votes", "seen_by", "done_at", "updated_at"])
    over = Lease.objects.filter(task=task)
    (over if is_done else over.filter(holder__in=task.seen_by)).delete()
    mark_busy([task.pk], policy)


def _copy_state(row: Detection, to: Detection) -> None:
    for name in ("status", "is_validated", "human_label", "validation_confidence", "updated_at"):
        setattr(to, name, getattr(row, name))


def _count(by: User) -> None:
    curator, _ = Curator.objects.get_or_create(user=by)
    Curator.objects.filter(pk=curator.pk).update(verdicts=F("verdicts") + 1)


def _tell(detection: Detection, event: ValidationEvent, *, was_confirmed: bool) -> None:
    if detection.status == DetectionStatus.CONFIRMED:
        detection_confirmed.send(Detection, detection=detection, event=event)
    elif was_confirmed:
        detection_unconfirmed.send(Detection, detection=detection, event=event)
