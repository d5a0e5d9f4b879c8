"""From verdicts to a challenger: a snapshot, a training, a new version; never a champion."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from astrid.core.errors import AstridError
from astrid.core.provenance import versions
from detection import anomalytraining, registry, snapshots
from detection.card import CLASSIFIER
from detection.classifier import seen
from detection.lessons import CALIBRATION, JUDGING, LEARNING, Lesson
from detection.models import Model, TrainingDataset, TrainingRun
from detection.recalibration import Judged, before_and_after, recalibrated, refit
from detection.relearning import Origin, Verdicts, opened, relearn
from detection.stampnet.dataset import read_real
from detection.stampnet.finetuning import Tuning
from detection.stampnet.stamps import Stamps
from detection.weights import Weights

Parts = dict[str, list[Lesson]]
WORDS = {
    LEARNING: "for learning",
    CALIBRATION: "for calibration",
    JUDGING: "for judging",
}


class TooFewLessons(AstridError):
    """Verdicts from which nothing can be learned yet."""


class CannotLearn(AstridError):
    """A network that verdicts cannot be taught to, or data that it cannot learn from."""


@dataclass(frozen=True)
class Retrained:
    """What came of a retraining."""

    challenger: Model
    dataset: TrainingDataset
    run: TrainingRun


def retrain(
    champion: Model,
    lessons: Sequence[Lesson],
    rule: Mapping[str, Any],
    real: Path | None = None,
    *,
    run: TrainingRun | None = None,
) -> Retrained:
    """Let the stamp network in force learn on from what people said of its detections.

    Parameters
    ----------
    champion : Model
        It stays as it is; the challenger is a version of its own.
    lessons : list of Lesson
    rule : dict
        Parameters of the retraining, those of the setting ``retraining`` and ``workers``.
    real : Path, optional
        Real data of its first training, see :func:`detection.stampnet.dataset.read_real`.
    run : TrainingRun, optional
        One that was asked for and has been started; a run of its own by default.

    Raises
    ------
    TooFewLessons
        If a part of the sky holds too few real or bogus ones.
    CannotLearn
        If it is no stamp network, or the data do not hold what is needed.
    BadWeights
        If the weights of the champion cannot be used.
    """
    if champion.model_type != CLASSIFIER:
        raise CannotLearn(
            f"{champion} is a {champion.model_type}, and only a stamp network learns from "
            "verdicts: fit its confidence alone (--calibration-only)"
        )
    parts = parts_of(lessons, rule["test_share"], rule["calibration_share"])
    check_enough(parts, rule["least_of_a_kind"])
    dataset = _kept(champion, parts, rule)
    return _recorded(champion, dataset, lambda data: _tuned(champion, parts, data, real), run)


def recalibrate(champion: Model, lessons: Sequence[Lesson], rule: Mapping[str, Any]) -> Retrained:
    """Fit the confidence of the network in force to verdicts; its weights stay.

    Raises
    ------
    TooFewLessons
        If a part of the sky holds too few real or bogus ones.
    BadWeights
        If the weights of the champion cannot be used.
    """
    parts = parts_of(lessons, rule["test_share"], 1.0)
    check_enough(parts, rule["least_of_a_kind"])
    dataset = _kept(champion, parts, rule)
    return _recorded(champion, dataset, lambda data: _fitted(champion, parts, data))


def parts_of(lessons: Sequence[Lesson], test_share: float, calibration_share: float) -> Parts:
    """Sort lessons by what their part of the sky is for; what is for nothing is left out."""
    parts: Parts = {part: [] for part in WORDS}
    for one in lessons:
        parts[one.part(test_share, calibration_share)].append(one)
    return parts if calibration_share < 1 else {p: parts[p] for p in (CALIBRATION, JUDGING)}


def check_enough(parts: Parts, least: int) -> None:
    """Refuse lessons that nothing can be fitted to or measured on."""
    counts = {part: sum(one.is_real for one in rows) for part, rows in parts.items()}
    if any(min(real, len(parts[part]) - real) < least for part, real in counts.items()):
        said = ", ".join(
            f"{real} real and {len(parts[part]) - real} bogus verdicts {WORDS[part]}"
            for part, real in counts.items()
        )
        raise TooFewLessons(
            f"{said}: at least {least} of each are needed everywhere (least_of_a_kind of the "
            "setting retraining)"
        )


def next_version(row: Model) -> str:
    """Give the first free version after that of a row: ``1`` leads to ``1.1``."""
    taken = set(Model.objects.filter(name=row.name).values_list("version", flat=True))
    names = (f"{row.version}.{number}" for number in count(1))
    return next(name for name in names if name not in taken)


Made = tuple[Weights, dict[str, Any]]


def _kept(champion: Model, parts: Parts, rule: Mapping[str, Any]) -> TrainingDataset:
    """Keep what is learned from."""
    return snapshots.take(parts, rule, name=f"{champion.name} {next_version(champion)}")


def _recorded(
    champion: Model,
    dataset: TrainingDataset,
    make: Callable[[TrainingDataset], Made],
    asked: TrainingRun | None = None,
) -> Retrained:
    """Enter what ``make`` makes of a dataset as the challenger, on the run that was asked for."""
    if asked is not None:
        asked.dataset, asked.parameters = dataset, asked.parameters | parameters_of(dataset)
        asked.save(update_fields=["dataset", "parameters"])
        return _entered(champion, asked, dataset, make(dataset))
    run = TrainingRun.objects.create(dataset=dataset, parameters=parameters_of(dataset))
    with run.working():
        return _entered(champion, run, dataset, make(dataset))


def parameters_of(dataset: TrainingDataset) -> dict[str, Any]:
    """Give the parameters of a retraining from its snapshot, without what that says of itself."""
    return {key: value for key, value in dataset.rule.items() if key not in {"files", "rows"}}


def _entered(champion: Model, run: TrainingRun, dataset: TrainingDataset, made: Made) -> Retrained:
    """Let a new network challenge, and close its run."""
    network, figures = made
    challenger = registry.enter(network)
    registry.challenge(challenger)
    run.complete(
        model=challenger,
        performance_metrics=figures,
        provenance={"inputs": {"dataset": dataset.sha256, "weights": champion.sha256},
                    "versions": versions()},
    )  # fmt: skip
    return Retrained(challenger, dataset, run)


def _tuned(champion: Model, parts: Parts, dataset: TrainingDataset, real: Path | None) -> Made:
    """Teach the verdicts to the weights; enter the detector that belongs to them."""
    rule, old = dataset.rule, registry.open_weights(champion)
    tuning = Tuning(**{name: rule[name] for name in TUNED})
    origin = Origin(next_version(champion), next_detector(), dataset.sha256)
    try:
        verdicts = Verdicts(*(usable(snapshots.stamps_of(parts[part])) for part in WORDS))
        sky = (
            read_real(real, old.card.training["preset"]["frame_pairs"], tuning.seed)
            if real
            else None
        )
        found = relearn(old, verdicts, tuning, origin, sky)
    except ValueError as error:
        raise CannotLearn(f"{champion} cannot learn from this: {error}") from error
    registry.enter(found.detector)
    return found.network, found.figures


TUNED = ("seed", "epochs", "learning_rate", "rehearsal_scenes", "workers")


def next_detector() -> str:
    """Give the version of the next anomaly detector."""
    first = Model.objects.filter(name=anomalytraining.NAME).order_by("id").first()
    return next_version(first) if first else anomalytraining.VERSION


def usable(stamps: Stamps) -> Stamps:
    """Give the stamps that the network can look at."""
    _, faults = seen(stamps)
    return stamps.chosen(np.flatnonzero([fault == "" for fault in faults]))


def _fitted(champion: Model, parts: Parts, dataset: TrainingDataset) -> Made:
    """Fit on one part of the sky, measure on the other."""
    old = registry.open_weights(champion)
    correction = refit(judged_of(parts[CALIBRATION]))
    figures = before_and_after(judged_of(parts[JUDGING]), correction)
    card = recalibrated(old.card, correction, next_version(champion))
    said = (
        f"Confidence fitted anew to {dataset.total_samples} verdicts of people (dataset "
        f"{dataset.sha256[:12]}); calibration error on {figures['real']} real and "
        f"{figures['bogus']} bogus ones of other parts of the sky "
        f"{figures['ece_before']['value']:.4f} before, {figures['ece']['value']:.4f} after."
    )
    card = replace(
        card,
        training={**card.training, "from": f"{champion}", "verdicts": dataset.sha256},
        metrics={**card.metrics, "verdicts": figures},
        remarks=[*card.remarks, said],
    )
    return opened(old.content, card), figures


def judged_of(lessons: Sequence[Lesson]) -> Judged:
    """Give lessons as arrays, with the confidence that their network gave."""
    return Judged(
        confidence=np.array([one.detection.confidence_score for one in lessons]),
        is_real=np.array([one.is_real for one in lessons], bool),
        weight=np.array([one.weight for one in lessons], float),
        group=np.array([one.cell for one in lessons]),
    )
