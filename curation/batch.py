"""Verdicts as pages send them: in batches, again after a lost answer, some of them bad."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from astrid.core.errors import AstridError
from curation import gold, skips
from curation.errors import KeyReused, LeaseLost, NotFound, NotReviewable, ReviewError
from curation.models import GoldTrial, Lease, ReviewQueue, ReviewTask, ValidationEvent
from curation.parameters import ReviewPolicy
from curation.services import check_may_judge, checked_label, judge, withdraw
from curation.wire import VerdictMessage, read
from detection.models import Detection, DetectionStatus

_IS_VALID = {"real": True, "bogus": False, "unsure": None}


@dataclass(frozen=True)
class Answer:
    """What became of one verdict."""

    uuid: str
    status: str  # saved, replayed or refused
    event: str | None = None
    code: str = ""
    reason: str = ""
    feedback: str = ""

    def as_json(self) -> dict[str, Any]:
        """Give what there is to say."""
        told = {"code": self.code, "reason": self.reason, "feedback": self.feedback}
        said = {name: words for name, words in told.items() if words}
        return {"uuid": self.uuid, "status": self.status, "event": self.event, **said}


def record_all(
    events: Sequence[dict[str, Any]], person: User, policy: ReviewPolicy
) -> list[Answer]:
    """Record verdicts one by one, each in a transaction of its own; say what became of each.

    Raises
    ------
    NotAllowed
        If the person may not judge.
    """
    check_may_judge(person)
    return [_answer(event, person, policy) for event in events]


def _answer(event: dict[str, Any], person: User, policy: ReviewPolicy) -> Answer:
    key = str(event.get("uuid"))
    try:
        message = read(VerdictMessage, event)
        with transaction.atomic():
            return _record(message, person, policy)
    except ReviewError as error:
        if error.code == NotReviewable.code:
            _close(event)
        return Answer(key, "refused", code=error.code, reason=str(error))
    except AstridError as error:
        return Answer(key, "refused", code=ReviewError.code, reason=str(error))


def _close(event: dict[str, Any]) -> None:
    """Take an archived detection out of the queue, which goes on without it."""
    archived = Detection.objects.filter(pk=event["detection"], status=DetectionStatus.ARCHIVED)
    waiting = ReviewTask.objects.waiting().filter(detection__in=archived)
    waiting.update(done_at=timezone.now())


def _record(message: VerdictMessage, person: User, policy: ReviewPolicy) -> Answer:
    trial = gold.trial_of(person, message)
    if trial is not None:
        return _answer_test(message, trial)
    if message.verdict == "skip" or skips.is_undo(message, person):
        return Answer(str(message.uuid), skips.record(message, person, policy))
    known = ValidationEvent.objects.filter(client_uuid=message.uuid).exists()
    detection = Detection.objects.select_for_update(of=("self",)).filter(pk=message.detection)
    row = detection.first()
    if row is None:
        raise NotFound(f"there is no detection {message.detection}; it may have been removed")
    if not known:
        _check_place(message, row, person)
    event = _say(message, row, person, policy)
    if not _is_what_was_said(event, message):
        raise KeyReused(
            f"{message.uuid} is the key of another verdict, {event.verdict}; "
            "make a new one for each verdict"
        )
    return Answer(str(message.uuid), "replayed" if known else "saved", event=str(event.pk))


def _answer_test(message: VerdictMessage, trial: GoldTrial) -> Answer:
    """Keep what was said of a gold item; the page cannot tell it from a verdict."""
    if message.verdict in _IS_VALID:
        checked_label(message.label, _IS_VALID[message.verdict])
    status, given = gold.answer(message, trial)
    tells = ReviewQueue.objects.filter(slug=trial.queue, show_feedback=True).exists()
    feedback = gold.feedback_on(given) if tells else ""
    return Answer(str(message.uuid), status, event=str(given.pk), feedback=feedback)


def _check_place(message: VerdictMessage, detection: Detection, person: User) -> None:
    """Refuse a first verdict from a queue on a task that others settled after the lease ran out."""
    task = ReviewTask.objects.filter(detection=detection).first()
    if task is None or not message.queue:
        return
    if task.done_at is None or _has_word(detection, person):
        return
    if not Lease.objects.filter(task=task, holder=person, ends_at__gt=timezone.now()).exists():
        raise LeaseLost(
            f"detection {detection.pk} was settled by others after your lease had run out; "
            "open its page to disagree"
        )


def _has_word(detection: Detection, person: User) -> bool:
    return ValidationEvent.objects.filter(detection=detection, validator=person).exists()


def _say(
    message: VerdictMessage, detection: Detection, person: User, policy: ReviewPolicy
) -> ValidationEvent:
    _check_superseded(message, detection, person)
    if message.verdict == "withdraw":
        return withdraw(
            detection,
            by=person,
            policy=policy,
            client_uuid=message.uuid,
            ms_spent=message.ms_spent,
            queue=message.queue,
        )
    return judge(
        detection,
        by=person,
        is_valid=_IS_VALID[message.verdict],
        label=message.label,
        policy=policy,
        confidence_level=message.confidence,
        notes=message.notes,
        tags=message.tags,
        blind=message.blind,
        decides=message.decides,
        shown_fields=message.shown,
        client_uuid=message.uuid,
        ms_spent=message.ms_spent,
        queue=message.queue,
    )


def _check_superseded(message: VerdictMessage, detection: Detection, person: User) -> None:
    if message.supersedes is None:
        return
    mine = ValidationEvent.objects.filter(detection=detection, validator=person)
    if not mine.filter(client_uuid=message.supersedes).exists():
        raise NotFound(f"there is no verdict {message.supersedes} of yours on this detection")


def _is_what_was_said(event: ValidationEvent, message: VerdictMessage) -> bool:
    verdict = {"withdraw": "withdrawn"}.get(message.verdict, message.verdict)
    said = (event.detection_id, event.verdict, event.label, event.notes)
    return said == (message.detection, verdict, message.label or None, message.notes or None)
