"""Verdicts: one function records them and moves the detection."""

from collections.abc import Sequence
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
from curation.errors import NotAllowed, NotReviewable, UnknownLabel
from curation.models import Curator, ReviewTask, ValidationEvent, ValidationLabel
from curation.parameters import ReviewPolicy
from curation.signals import detection_confirmed, detection_unconfirmed
from detection.models import Detection, DetectionStatus

JUDGE = "curation.add_validationevent"
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
) -> ValidationEvent:
    """Record one verdict and move the detection to where its verdicts put it.

    ``is_valid`` is True for real, False for bogus, None for unsure. A verdict of the same
    person on the same detection is superseded, never changed. A replay of ``client_uuid``
    returns the event it made the first time and changes nothing.

    Raises
    ------
    NotAllowed
        If ``by`` may not judge.
    UnknownLabel
        If the taxonomy has no such active label, or the label contradicts ``is_valid``.
    NotReviewable
        If the detection is archived, or ``client_uuid`` belongs to another verdict.
    """
    if not by.has_perm(JUDGE):
        raise NotAllowed(
            f"{by.get_username()} may look but not judge; ask an operator for the curator role"
        )
    given: dict[str, Any] = {
        "is_valid": is_valid is True,
        "is_unsure": is_valid is None,
        "label": _checked_label(label, is_valid),
        "confidence_level": confidence_level or None,
        "notes": notes or None,
        "tags": list(tags) if tags else None,
        "ms_spent": ms_spent,
        "blind": blind,
        "shown_fields": list(shown_fields),
    }
    with transaction.atomic():
        return _record(detection, by, client_uuid or new_id(), given, policy)


def _checked_label(name: str | None, is_valid: bool | None) -> str | None:
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


def _record(
    detection: Detection, by: User, key: UUID, given: dict[str, Any], policy: ReviewPolicy
) -> ValidationEvent:
    # The lock on the detection makes verdicts on it follow one another.
    row = Detection.objects.select_for_update(of=("self",)).get(pk=detection.pk)
    replayed = ValidationEvent.objects.filter(client_uuid=key).first()
    if replayed is not None:
        return _same(replayed, row, by)
    if row.status == DetectionStatus.ARCHIVED:
        raise NotReviewable(f"detection {row.pk} is archived and takes no more verdicts")
    earlier = ValidationEvent.objects.current().filter(detection=row, validator=by).first()
    event = ValidationEvent.objects.create(
        detection=row, validator=by, client_uuid=key, supersedes=earlier, **given
    )
    _count(by)
    was_confirmed = row.status == DetectionStatus.CONFIRMED
    _move(row, outcome(votes_on(row), policy))
    _copy_state(row, detection)
    _tell(row, event, was_confirmed=was_confirmed)
    return event


def _same(event: ValidationEvent, detection: Detection, by: User) -> ValidationEvent:
    if (event.detection_id, event.validator_id) != (detection.pk, by.pk):
        raise NotReviewable(
            f"client_uuid {event.client_uuid} belongs to a verdict on detection "
            f"{event.detection_id}; make a new one for each verdict"
        )
    return event


def votes_on(detection: Detection) -> list[Vote]:
    """Give the current verdicts on a detection as votes, oldest first."""
    classes = taxonomy.types_by_label()
    events = detection.validation_events.current().order_by("id")
    return [
        Vote(
            is_valid=None if event.is_unsure else event.is_valid,
            label=event.label,
            detection_type=classes.get(event.label or ""),
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
    done = timezone.now() if result.status in _SETTLED else None
    ReviewTask.objects.filter(detection=detection).update(
        done_at=done, lease_holder=None, lease_end=None
    )


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
