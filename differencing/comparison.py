"""Several algorithms on one pair: asking for another one, and laying their results side by side."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import QuerySet
from scipy.spatial import cKDTree

from astrid.core.errors import InvalidTransition
from astrid.core.models import RunStatus
from differencing.models import Candidate, DifferenceRun
from differencing.parameters import Algorithm, DifferenceParameters
from differencing.references.choice import key_of
from differencing.signals import comparison_opened

SAME_PX = 2.5  # candidates nearer than that are one source


@transaction.atomic
def open_comparison(run: DifferenceRun, algorithm: Algorithm) -> DifferenceRun:
    """Open a run of the same pair by ``algorithm``, beside those that stand.

    Its candidates are kept for looking at: no network scores them, and no alert comes of them.

    Raises
    ------
    InvalidTransition
        If the pair has been, or is being, subtracted by this algorithm.
    """
    standing = runs_of(run).filter(algorithm=algorithm).exclude(status=RunStatus.FAILED).first()
    if standing is not None:
        raise InvalidTransition(
            f"{run} was subtracted by {algorithm} already: that run is {standing.status}"
        )
    parameters = replace(DifferenceParameters(**run.parameters), algorithm=algorithm)
    opened = DifferenceRun.objects.create(
        observation=run.observation,
        reference_observation=run.reference_observation,
        reference_image=run.reference_image,
        choice=run.choice,
        is_control=run.is_control,
        is_comparison=True,
        algorithm=algorithm,
        parameters=asdict(parameters),
        detection_threshold=parameters.threshold,
    )
    comparison_opened.send(sender=DifferenceRun, run=opened)
    return opened


def runs_of(run: DifferenceRun) -> QuerySet[DifferenceRun]:
    """Give every run of the pair of ``run``: the one that counts first, then by age."""
    return (
        DifferenceRun.objects.filter(
            observation=run.observation_id, **key_of(run.reference_observation, run.reference_image)
        )
        .select_related("observation", "reference_observation", "reference_image")
        .order_by("is_comparison", "id")
    )


def completed(run: DifferenceRun) -> list[DifferenceRun]:
    """Give the completed runs of the pair, one per algorithm, the last one of each."""
    done = runs_of(run).filter(status=RunStatus.COMPLETED)
    return list({one.algorithm: one for one in done}.values())


@dataclass(frozen=True)
class Source:
    """One thing in the sky, and the candidate that each run has for it."""

    found: tuple[Candidate | None, ...]  # in the order of the runs

    @property
    def strongest(self) -> Candidate:
        """The candidate that stands out most."""
        there = [one for one in self.found if one is not None]
        return max(there, key=lambda one: one.significance or 0.0)

    @property
    def is_everywhere(self) -> bool:
        """Whether every run found it."""
        return None not in self.found


def matched(runs: list[DifferenceRun]) -> list[Source]:
    """Match the candidates of several runs of one pair by place and sign.

    Returns
    -------
    list of Source
        The most significant first.
    """
    rows: list[list[Candidate | None]] = []
    for column, run in enumerate(runs):
        mine = list(run.candidates.order_by("-significance"))
        for row, candidate in zip(_rows_for(rows, mine), mine, strict=True):
            if row is None or rows[row][column] is not None:
                rows.append([None] * len(runs))
                row = len(rows) - 1
            rows[row][column] = candidate
    sources = [Source(tuple(row)) for row in rows]
    return sorted(sources, key=lambda one: -(one.strongest.significance or 0.0))


def _rows_for(rows: list[list[Candidate | None]], mine: list[Candidate]) -> list[int | None]:
    """Give, for each candidate, the row of the nearest one of earlier runs with its sign."""
    if not rows or not mine:
        return [None] * len(mine)
    known = [next(one for one in row if one is not None) for row in rows]
    tree = cKDTree(_places(known))
    apart, nearest = map(np.asarray, tree.query(_places(mine), distance_upper_bound=SAME_PX))
    return [int(row) if far <= SAME_PX else None for far, row in zip(apart, nearest, strict=True)]


def _places(candidates: list[Candidate]) -> Any:
    """Give x, y and a third coordinate that keeps the two signs apart."""
    return np.array([(c.pixel_x, c.pixel_y, 1e6 * c.is_negative) for c in candidates])
