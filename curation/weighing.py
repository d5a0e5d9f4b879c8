"""What all verdicts together say, kept for those who ask: made anew from the events alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any
from uuid import UUID

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from numpy.typing import NDArray

from curation.agreement import Posterior, Votes, cohen_kappa, dawid_skene, krippendorff_alpha
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


def verdicts_in_force() -> Said | None:
    """Read all verdicts that take a side; None where there are none."""
    rows = ValidationEvent.objects.current().filter(is_unsure=False).order_by("id")
    found = list(rows.values_list("detection_id", "validator_id", "is_valid"))
    if not found:
        return None
    detections, people, is_real = zip(*found, strict=True)
    which, item = _numbered(detections)
    who, person = _numbered(people)
    return Said(Votes(item, person, np.array(is_real, bool)), which, who)


def _numbered(keys: Sequence[Any]) -> tuple[list[Any], NDArray[np.intp]]:
    order = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return list(order), np.array([order[key] for key in keys])


@transaction.atomic
def weigh() -> AgreementRun:
    """Weigh all verdicts in force, and keep the probability of each detection."""
    said = verdicts_in_force()
    if said is None:
        LabelProbability.objects.all().delete()
        return AgreementRun.objects.create(events=0, detections=0)
    posterior = dawid_skene(said.votes)
    run = _run(said, posterior)
    _keep(run, said, posterior)
    return run


def _run(said: Said, posterior: Posterior) -> AgreementRun:
    names = dict(User.objects.filter(pk__in=said.people).values_list("pk", "username"))
    votes = np.bincount(said.votes.person)
    return AgreementRun.objects.create(
        events=len(said.votes.item),
        detections=len(said.detections),
        prevalence=posterior.prevalence,
        iterations=posterior.iterations,
        alpha=_number(krippendorff_alpha(said.votes)),
        pairs=_pairs(said, names),
        curators={
            names[person]: {
                "votes": int(votes[index]),
                "sensitivity": round(float(posterior.sensitivity[index]), DECIMALS),
                "specificity": round(float(posterior.specificity[index]), DECIMALS),
            }
            for index, person in enumerate(said.people)
        },
    )


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


def _keep(run: AgreementRun, said: Said, posterior: Posterior) -> None:
    votes = np.bincount(said.votes.item)
    rows = [
        LabelProbability(
            run=run,
            detection_id=detection,
            probability=float(posterior.probability[index]),
            votes=int(votes[index]),
        )
        for index, detection in enumerate(said.detections)
    ]
    LabelProbability.objects.bulk_create(
        rows,
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["detection"],
        update_fields=["run", "probability", "votes", "updated_at"],
    )
    LabelProbability.objects.exclude(run=run).delete()
