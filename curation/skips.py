"""Passing over: a detection goes out of one person's sight, with a reason, and may come back."""

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from curation.errors import KeyReused, NotFound
from curation.models import SkippedTask
from curation.parameters import ReviewPolicy
from curation.services import renew_task
from curation.wire import VerdictMessage
from detection.models import Detection


def is_undo(message: VerdictMessage, person: User) -> bool:
    """Say whether a message takes a skip back."""
    return message.verdict == "withdraw" and _taken_back(message, person).exists()


def _taken_back(message: VerdictMessage, person: User) -> QuerySet[SkippedTask]:
    wanted = [message.supersedes] if message.supersedes else []
    return SkippedTask.objects.filter(person=person, client_uuid__in=wanted)


@transaction.atomic
def record(message: VerdictMessage, person: User, policy: ReviewPolicy) -> str:
    """Pass a detection over, or take that back; say whether it was ``saved`` or ``replayed``.

    Raises
    ------
    NotFound
        If there is no such detection.
    KeyReused
        If the key belongs to another skip.
    """
    row = Detection.objects.select_for_update(of=("self",)).filter(pk=message.detection).first()
    if row is None:
        raise NotFound(f"there is no detection {message.detection}; it may have been removed")
    outcome = _write(message, row, person) if message.verdict == "skip" else _undo(message, person)
    renew_task(row, policy)
    return outcome


def _write(message: VerdictMessage, detection: Detection, person: User) -> str:
    known = SkippedTask.objects.filter(client_uuid=message.uuid).first()
    if known is None:
        SkippedTask.objects.create(
            detection=detection, person=person, reason=message.reason, client_uuid=message.uuid
        )
        return "saved"
    if (known.detection_id, known.person_id) != (detection.pk, person.pk):
        raise KeyReused(f"{message.uuid} is the key of another skip; make a new one for each")
    return "replayed"


def _undo(message: VerdictMessage, person: User) -> str:
    standing = _taken_back(message, person).filter(is_withdrawn=False)
    return "saved" if standing.update(is_withdrawn=True) else "replayed"
