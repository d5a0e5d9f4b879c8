"""What all verdicts together say, kept for those who ask: made anew from the events alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from typing import Any
from uuid import UUID

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from numpy.typing import NDArray

from curation.agreement import Posterior, Votes, cohen_kappa, dawid_skene, krippendorff_alpha
from curation.class_agreement import ClassVotes, class_probabilities
from curation.models import AgreementRun, LabelProbability, ValidationEvent

DECIMALS = 6
_NOBODY = -1


@dataclass(frozen=True)
class Said:
    """All verdicts that take a side, with whose and which the numbers in ``votes`` are."""

    votes: Votes
    detections: list[UUID]
    people: list[int]

    @property
    def table(self) -> NDArray[np.int8]:
        """The verdicts as (people, detections): 1 real, 0 bogus, -1 none."""
        table = np.full((len(self.people), len(self.detections)), _NOBODY, np.int8)
        table[self.votes.person, self.votes.item] = self.votes.is_real
        return table


@dataclass(frozen=True)
class Word:
    """One verdict in force that takes a side."""

    detection: UUID
    person: int
    is_real: bool
    label: str | None
    queue: str


def words_in_force() -> list[Word]:
    """Read all verdicts that take a side."""
    rows = ValidationEvent.objects.current().filter(is_unsure=False).order_by("id")
    fields = ("detection_id", "validator_id", "is_valid", "label", "queue")
    return [Word(*row) for row in rows.values_list(*fields)]


def said_by(words: Sequence[Word]) -> Said:
    """Put verdicts into arrays."""
    which, item = _numbered([word.detection for word in words])
    who, person = _numbered([word.person for word in words])
    return Said(Votes(item, person, np.array([word.is_real for word in words], bool)), which, who)


def _numbered(keys: Sequence[Any]) -> tuple[list[Any], NDArray[np.intp]]:
    order = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return list(order), np.array([order[key] for key in keys])


@transaction.atomic
def weigh() -> AgreementRun:
    """Weigh all verdicts in force, and keep the probability of each detection."""
    words = words_in_force()
    if not words:
        LabelProbability.objects.all().delete()
        return AgreementRun.objects.create(events=0, detections=0)
    said = said_by(words)
    posterior = dawid_skene(said.votes)
    run = _run(said, posterior, words)
    _keep(run, said, posterior, class_shares(words))
    return run


def _run(said: Said, posterior: Posterior, words: Sequence[Word]) -> AgreementRun:
    names = dict(User.objects.filter(pk__in=said.people).values_list("pk", "username"))
    votes = np.bincount(said.votes.person)
    by_queue = groupby(sorted(words, key=_queue), key=_queue)
    return AgreementRun.objects.create(
        prevalence=posterior.prevalence,
        iterations=posterior.iterations,
        **_agreement(said, names),
        queues={queue: _agreement(said_by(list(some)), names) for queue, some in by_queue},
        curators={
            names[person]: {
                "votes": int(votes[index]),
                "sensitivity": round(float(posterior.sensitivity[index]), DECIMALS),
                "specificity": round(float(posterior.specificity[index]), DECIMALS),
            }
            for index, person in enumerate(said.people)
        },
    )


def _queue(word: Word) -> str:
    return word.queue


def _agreement(said: Said, names: dict[int, str]) -> dict[str, Any]:
    return {
        "events": len(said.votes.item),
        "detections": len(said.detections),
        "alpha": _number(krippendorff_alpha(said.votes)),
        "pairs": _pairs(said, names),
    }


def class_shares(words: Sequence[Word]) -> dict[UUID, dict[str, float]]:
    """Give the probability of each label for the detections of which somebody said one."""
    labelled = [word for word in words if word.label]
    names, label = _numbered([word.label for word in labelled])
    if len(names) < 2:  # nothing to tell apart
        return {word.detection: {names[0]: 1.0} for word in labelled}
    which, item = _numbered([word.detection for word in labelled])
    _, person = _numbered([word.person for word in labelled])
    shares = class_probabilities(ClassVotes(item, person, label, len(names)))
    return {
        key: {name: round(float(share), DECIMALS) for name, share in zip(names, row, strict=True)}
        for key, row in zip(which, shares, strict=True)
    }


def _pairs(said: Said, names: dict[int, str]) -> list[dict[str, Any]]:
    table = said.table
    found = []
    for one, other in combinations(range(len(said.people)), 2):
        both = (table[one] != _NOBODY) & (table[other] != _NOBODY)
        if both.any():
            kappa = cohen_kappa(table[one, both] == 1, table[other, both] == 1)
            people = sorted((names[said.people[one]], names[said.people[other]]))
            found.append({"people": people, "items": int(both.sum()), "kappa": _number(kappa)})
    return found


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(value, DECIMALS)


def _keep(
    run: AgreementRun,
    said: Said,
    posterior: Posterior,
    classes: Mapping[UUID, dict[str, float]],
) -> None:
    votes = np.bincount(said.votes.item)
    rows = [
        LabelProbability(
            run=run,
            detection_id=detection,
            probability=float(posterior.probability[index]),
            votes=int(votes[index]),
            classes=classes.get(detection),
        )
        for index, detection in enumerate(said.detections)
    ]
    LabelProbability.objects.bulk_create(
        rows,
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["detection"],
        update_fields=["run", "probability", "votes", "classes", "updated_at"],
    )
    LabelProbability.objects.exclude(run=run).delete()
