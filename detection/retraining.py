"""From verdicts to a challenger: a snapshot, a fit, a new version; never a champion."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from astrid.core.errors import AstridError
from astrid.core.provenance import versions
from detection import registry, snapshots, training
from detection.card import Card
from detection.lessons import Lesson
from detection.models import Model, TrainingDataset, TrainingRun
from detection.recalibration import Judged, before_and_after, recalibrated, refit


class TooFewLessons(AstridError):
    """Verdicts from which nothing can be learned yet."""


@dataclass(frozen=True)
class Retrained:
    """What came of a retraining."""

    challenger: Model
    dataset: TrainingDataset
    run: TrainingRun


def retrain(champion: Model, lessons: Sequence[Lesson], rule: Mapping[str, Any]) -> Retrained:
    """Fit the confidence of the network in force to what people said of its detections.

    Parameters
    ----------
    champion : Model
        Its weights stay; the challenger is a version of its own.
    lessons : list of Lesson
        Of what it scored itself.
    rule : dict
        Parameters of the retraining, ``test_share`` and ``least_of_a_kind`` among them.

    Raises
    ------
    TooFewLessons
        If one side of the split holds too few real or bogus ones.
    BadWeights
        If the weights of the champion cannot be used.
    """
    check_enough(lessons, rule["test_share"], rule["least_of_a_kind"])
    version = next_version(champion)
    name = f"{champion.name} {version}"
    dataset = snapshots.take(lessons, rule["test_share"], rule, name=name)
    run = TrainingRun.objects.create(dataset=dataset, parameters=dict(rule))
    with run.working():
        card = fit(champion, lessons, dataset, version)
        challenger = registry.register(write(champion, card))
        registry.challenge(challenger)
        run.complete(
            model=challenger,
            performance_metrics=card.metrics["verdicts"],
            provenance={"inputs": {"dataset": dataset.sha256, "weights": champion.sha256},
                        "versions": versions()},
        )  # fmt: skip
    return Retrained(challenger, dataset, run)


def check_enough(lessons: Sequence[Lesson], test_share: float, least: int) -> None:
    """Refuse lessons that nothing can be fitted to or measured on."""
    for part, wanted in (("for learning", False), ("for judging", True)):
        rows = [one for one in lessons if one.is_test(test_share) == wanted]
        real = sum(one.is_real for one in rows)
        if min(real, len(rows) - real) < least:
            raise TooFewLessons(
                f"{real} real and {len(rows) - real} bogus verdicts {part}: at least {least} of "
                "each are needed (least_of_a_kind of the setting retraining)"
            )


def next_version(champion: Model) -> str:
    """Give the first free version after the champion's: ``1`` leads to ``1.1``."""
    taken = set(Model.objects.filter(name=champion.name).values_list("version", flat=True))
    names = (f"{champion.version}.{number}" for number in count(1))
    return next(name for name in names if name not in taken)


def fit(champion: Model, lessons: Sequence[Lesson], dataset: TrainingDataset, version: str) -> Card:
    """Fit on one part of the sky, measure on the other; give the card of the new version."""
    judged = judged_of(lessons)
    is_test = np.array([one.is_test(dataset.rule["test_share"]) for one in lessons])
    correction = refit(judged.chosen(~is_test))
    figures = before_and_after(judged.chosen(is_test), correction)
    card = recalibrated(registry.open_weights(champion).card, correction, version)
    said = (
        f"Confidence fitted anew to {dataset.total_samples} verdicts of people (dataset "
        f"{dataset.sha256[:12]}); calibration error on {figures['real']} real and "
        f"{figures['bogus']} bogus ones of other parts of the sky "
        f"{figures['ece_before']['value']:.4f} before, {figures['ece']['value']:.4f} after."
    )
    metrics = {**card.metrics, "verdicts": figures}
    made = {**card.training, "from": f"{champion}", "verdicts": dataset.sha256}
    return replace(card, training=made, metrics=metrics, remarks=[*card.remarks, said])


def judged_of(lessons: Sequence[Lesson]) -> Judged:
    """Give lessons as arrays, with the confidence that their network gave."""
    return Judged(
        confidence=np.array([one.detection.confidence_score for one in lessons]),
        is_real=np.array([one.is_real for one in lessons], bool),
        weight=np.array([one.weight for one in lessons], float),
        group=np.array([one.cell for one in lessons]),
    )


def write(champion: Model, card: Card) -> Path:
    """Write weights and card of a new version into the state folder."""
    folder = Path(settings.STATE) / "models" / f"{card.name}-{card.version}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{card.name}-{card.version}.onnx"
    shutil.copyfile(registry.open_weights(champion).path, path)
    training.write(card, path)
    return path
