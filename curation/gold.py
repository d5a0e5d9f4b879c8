"""Items whose answer is known, mixed in unseen: which, where, and what becomes of the answers."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from curation.errors import KeyReused, NotFound
from curation.models import (
    GoldAnswer,
    GoldItem,
    GoldTrial,
    GoldVerdict,
    LabelProbability,
    Origin,
    ReviewQueue,
    ReviewTask,
    Truth,
    ValidationEvent,
)
from curation.wire import VerdictMessage

_LARGEST = 2**64
_WORDS = {"withdraw": GoldVerdict.WITHDRAWN, "skip": GoldVerdict.SKIPPED}


def chance(*parts: object) -> float:
    """Give a number between 0 and 1 that is always the same for the same words."""
    text = "/".join(map(str, parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / _LARGEST


@dataclass(frozen=True)
class Places:
    """Before which of the leased tasks a gold item stands, and before which a fake."""

    gold: list[UUID]
    fakes: list[UUID]


def places(queue: ReviewQueue, person: User, tasks: Sequence[UUID]) -> Places:
    """Choose places by a number made of queue, person and task: a reload gives the same again.

    A share s of the items that a person sees needs s / (1 - s) as many beside the tasks.
    """
    rest = 1 - queue.gold_share - queue.fake_share
    if rest >= 1:
        return Places([], [])
    gold, both = queue.gold_share / (1 - rest), (1 - rest) / rest if rest > 0 else 1.0
    drawn = {task: chance(queue.pk, person.pk, task) for task in tasks}
    chosen = [task for task, number in drawn.items() if number < both]
    return Places(
        [task for task in chosen if drawn[task] / both < gold],
        [task for task in chosen if drawn[task] / both >= gold],
    )


def serve(
    queue: ReviewQueue, person: User, tasks: Sequence[UUID], have: Collection[UUID]
) -> dict[UUID, GoldTrial]:
    """Give gold items to be shown, each by the task that it stands before.

    What was shown and not answered, and is not on the screen any more, comes first.
    """
    wanted = places(queue, person, tasks)
    if not (wanted.gold or wanted.fakes):
        return {}
    return {
        **_served(queue, person, wanted.gold, have, [Origin.STAFF, Origin.CONSENSUS]),
        **_served(queue, person, wanted.fakes, have, [Origin.FAKE]),
    }


def _served(
    queue: ReviewQueue,
    person: User,
    before: Sequence[UUID],
    have: Collection[UUID],
    origins: Sequence[Origin],
) -> dict[UUID, GoldTrial]:
    if not before:
        return {}
    mine = GoldTrial.objects.filter(
        person=person, queue=queue.slug, gold__origin__in=origins, is_answered=False
    ).select_related("gold")
    shown = list(mine.exclude(pk__in=have).order_by("id")[: len(before)])
    missing = len(before) - len(shown)
    shown += _first_shown(queue, person, unseen(person, origins), missing) if missing else []
    return dict(zip(before, shown, strict=False))


def unseen(person: User, origins: Sequence[Origin]) -> QuerySet[GoldItem]:
    """Give the gold items that wait for nobody and that a person was neither shown nor judged."""
    shown = GoldTrial.objects.filter(gold=OuterRef("pk"), person=person)
    judged = ValidationEvent.objects.filter(detection=OuterRef("detection"), validator=person)
    asked = ReviewTask.objects.waiting().filter(detection=OuterRef("detection"))
    active = GoldItem.objects.filter(is_active=True, origin__in=origins)
    return active.filter(~Exists(shown), ~Exists(judged), ~Exists(asked))


def _first_shown(
    queue: ReviewQueue, person: User, items: QuerySet[GoldItem], number: int
) -> list[GoldTrial]:
    drawn = sorted(
        items.values_list("pk", flat=True), key=lambda key: chance(queue.pk, person.pk, key)
    )
    chosen = GoldItem.objects.in_bulk(drawn[:number])
    trials = [
        GoldTrial(gold=gold, person=person, queue=queue.slug, shown_as=gold.detection_id or gold.pk)
        for gold in chosen.values()
    ]
    GoldTrial.objects.bulk_create(trials, ignore_conflicts=True)
    return trials


def trial_of(person: User, message: VerdictMessage) -> GoldTrial | None:
    """Give the trial that a verdict answers; None where it is about a detection.

    What waits for verdicts, again or still, is asked for its own sake.
    """
    if not message.queue:
        return None
    asked = ReviewTask.objects.waiting().filter(detection=OuterRef("gold__detection"))
    found = GoldTrial.objects.filter(
        Q(answers__client_uuid=message.uuid) | ~Exists(asked),
        person=person,
        shown_as=message.detection,
        queue=message.queue,
    )
    return found.select_related("gold").first()


def shown_to(person: User, trials: Collection[UUID]) -> set[UUID]:
    """Give those of these ids that are gold items before this person: nobody can take them."""
    mine = GoldTrial.objects.filter(person=person, pk__in=trials)
    return set(mine.values_list("pk", flat=True))


@transaction.atomic
def answer(message: VerdictMessage, trial: GoldTrial) -> tuple[str, GoldAnswer]:
    """Keep what a person said of a gold item; say whether it was ``saved`` or ``replayed``.

    Raises
    ------
    KeyReused
        If the key belongs to another answer.
    NotFound
        If there is nothing to withdraw.
    """
    GoldTrial.objects.select_for_update().get(pk=trial.pk)
    known = GoldAnswer.objects.filter(client_uuid=message.uuid).first()
    verdict = _WORDS.get(message.verdict, message.verdict)
    if known is not None:
        if (known.trial_id, known.verdict) != (trial.pk, verdict):
            raise KeyReused(
                f"{message.uuid} is the key of another verdict; make a new one for each"
            )
        return "replayed", known
    last = trial.answers.order_by("-id").first()
    if verdict == GoldVerdict.WITHDRAWN and (last is None or last.verdict == verdict):
        raise NotFound("no verdict of yours on this item is in force; there is nothing to withdraw")
    made = GoldAnswer.objects.create(
        trial=trial,
        client_uuid=message.uuid,
        verdict=verdict,
        label=message.label or "",
        notes=message.notes or "",
        ms_spent=message.ms_spent,
        blind=message.blind,
        shown_fields=list(message.shown),
    )
    GoldTrial.objects.filter(pk=trial.pk).update(is_answered=verdict != GoldVerdict.WITHDRAWN)
    return "saved", made


SILENT = (GoldVerdict.WITHDRAWN, GoldVerdict.SKIPPED)


def feedback_on(given: GoldAnswer) -> str:
    """Say after the verdict that an item was a test, and what it was."""
    gold = given.trial.gold
    kind = "an injected source" if gold.origin == Origin.FAKE else f"known to be {gold.truth}"
    if given.verdict in SILENT:
        return ""
    hit = "right" if given.verdict == gold.truth else "not right"
    return f"A test item, {kind}: {hit}."


def mark(detection: Any, *, truth: Truth, by: User, label: str = "") -> GoldItem:
    """Make a detection a gold item, on the word of staff."""
    item, _ = GoldItem.objects.update_or_create(
        detection=detection,
        defaults={
            "truth": truth,
            "label": label,
            "origin": Origin.STAFF,
            "added_by": by,
            "is_active": True,
        },
    )
    return item


def promote(least_votes: int = 5, certainty: float = 0.99) -> int:
    """Make gold of what so many people agree on that it is as good as known; say how much is new.

    The probabilities are those of the last weighing.
    """
    sure = Q(probability__gte=certainty) | Q(probability__lte=1 - certainty)
    known = LabelProbability.objects.filter(sure, votes__gte=least_votes, detection__gold=None)
    items = [
        GoldItem(
            detection_id=each.detection_id,
            truth=Truth.REAL if each.probability > 1 / 2 else Truth.BOGUS,
            label=each.detection.human_label or "",
            origin=Origin.CONSENSUS,
        )
        for each in known.select_related("detection")
    ]
    GoldItem.objects.bulk_create(items, ignore_conflicts=True)
    return len(items)
