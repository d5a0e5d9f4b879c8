"""Let the stamp network learn from what people said, without forgetting what it knew."""

import logging
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from detection.assessment import DETECTION_SIGMA
from detection.card import Card
from detection.dataset import SEEDS_APART, check_kinds
from detection.scenes import Scene, make_scenes
from detection.stampnet.dataset import (
    FIRST_SEED,
    LABELLED_WEIGHT,
    RealSky,
    StampPreset,
    check_apart,
    describe,
    real_parts,
)
from detection.stampnet.fitting import (
    BATCH,
    CLASS_SHARE,
    WEIGHT_DECAY,
    class_loss,
    real_loss,
    targets,
    turned,
)
from detection.stampnet.grounds import grounds_of_scene
from detection.stampnet.harvest import harvest
from detection.stampnet.making import fabricate
from detection.stampnet.sight import Views, look
from detection.stampnet.stamps import Stamps, joined
from detection.training import make_deterministic
from detection.weights import CLASS, EMBEDDING, REAL

logger = logging.getLogger(__name__)

# The rarer of real and bogus verdicts counts for as much as the other kind, but not for more
# than this many times itself: a handful of verdicts must not decide.
MOST_RAISED = 4.0
# Scenes on which thresholds are chosen, and on which the network shows what it has not forgotten.
VALIDATION_SCENES, TEST_SCENES = 30, 50


@dataclass(frozen=True)
class Tuning:
    """How a network learns anew.

    Attributes
    ----------
    seed : int
        Of the order of the stamps, how they are turned, and which member meets which.
    epochs : int
    learning_rate : float
        At the start; it falls as a cosine.
    rehearsal_scenes : int
        Simulated scenes of its first training that it meets again, at most.
    workers : int
        Processes that simulate.
    """

    seed: int
    epochs: int
    learning_rate: float
    rehearsal_scenes: int
    workers: int = 1


@dataclass(frozen=True)
class Rehearsal:
    """What a network has known before: to learn again, to choose thresholds on, to be tested."""

    training: Stamps
    validation: Stamps
    test: Stamps
    parts: dict[str, dict[str, Any]]


def rehearse(card: Card, tuning: Tuning, real: RealSky | None = None) -> Rehearsal:
    """Make the data of a network's first training again, or as much of it as was asked for.

    Scenes keep the seeds and the part that they had: what it was tested on is not learned now.

    Parameters
    ----------
    card : Card
        Of the network; it says preset and seed.
    real : RealSky, optional
        Real data that it learned from, where they are at hand.

    Raises
    ------
    ValueError
        If a part holds no real or no bogus candidate.
    """
    preset, seed = StampPreset(**card.training["preset"]), int(card.training["seed"])
    rng = np.random.default_rng([tuning.seed, seed, 5])
    training, validation, test = scenes_of(preset, seed, tuning)
    grounds = [g for s in training for g in grounds_of_scene(s, preset.grounds_per_scene, rng)]
    parts = {
        "simulated candidates, again": harvest(training),
        "made on simulated sky, again": fabricate(grounds, rng),
    }
    if real is not None:
        parts |= real_parts(real, preset, rng)
    held = {
        name: harvest(scenes, least=DETECTION_SIGMA)
        for name, scenes in (("validation", validation), ("test", test))
    }
    described = {name: describe(part) for name, part in (parts | held).items()}
    return Rehearsal(joined(list(parts.values())), parts=described, **held)


def scenes_of(preset: StampPreset, seed: int, tuning: Tuning) -> list[list[Scene]]:
    """Simulate scenes of the three parts of a first training."""
    start, parts = seed * SEEDS_APART + FIRST_SEED, []
    for size, most in (
        (preset.training_scenes, tuning.rehearsal_scenes),
        (preset.validation_scenes, VALIDATION_SCENES),
        (preset.test_scenes, TEST_SCENES),
    ):
        count = min(size, most)
        scenes, _ = make_scenes(range(start, start + count), workers=tuning.workers)
        check_kinds(scenes, count)
        parts.append(scenes)
        start += size
    return parts


def mixed(verdicts: Stamps, rehearsal: Stamps) -> Stamps:
    """Put what people said beside what was known, each kind of verdict with its due weight.

    All verdicts together weigh as much as the rehearsal, but none more than a labelled stamp of
    the first training.

    Raises
    ------
    ValueError
        If both show the same sky.
    """
    check_apart(verdicts, rehearsal)
    raised = balanced(verdicts)
    share = min(LABELLED_WEIGHT, rehearsal.weight.sum() / len(verdicts))
    weight = raised / raised.mean() * share
    return joined([replace(verdicts, weight=weight), rehearsal])


def balanced(stamps: Stamps) -> np.ndarray:
    """Give weights in which the rarer of real and bogus counts for as much as the other."""
    sums = {kind: stamps.weight[stamps.is_real == kind].sum() for kind in (True, False)}
    rarer = min(sums, key=sums.__getitem__)
    factor = min(MOST_RAISED, sums[not rarer] / sums[rarer])
    return np.asarray(stamps.weight * np.where(stamps.is_real == rarer, factor, 1.0))


def tune(content: bytes, stamps: Stamps, tuning: Tuning, *, views: Views | None = None) -> bytes:
    """Let a network learn on, and give its file with the numbers that it has then.

    The same file, stamps, tuning and machine give the same bytes.

    Parameters
    ----------
    content : bytes
        ONNX file of a stamp network.
    stamps : Stamps
        With labels and weights.
    views : Views, optional
        Of ``stamps``, where they are known already.

    References
    ----------
    Loshchilov & Hutter 2019, ICLR, arXiv:1711.05101 (AdamW).
    """
    import keras

    from detection.stampnet.thawing import freeze, thaw

    keras.utils.clear_session()
    make_deterministic(tuning.seed)
    rng = np.random.default_rng([tuning.seed, 6])
    model = thaw(content)
    steps = tuning.epochs * -(-len(stamps) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(tuning.learning_rate, steps)
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY),
        loss={REAL: real_loss, CLASS: class_loss, EMBEDDING: None},
        loss_weights={REAL: 1, CLASS: CLASS_SHARE, EMBEDDING: 0},
    )
    views, (is_real, kinds) = views or look(stamps), targets(stamps, rng)
    for epoch in range(tuning.epochs):
        order = rng.permutation(len(stamps))
        inputs = turned(views.chosen(order), rng)
        truth = {REAL: is_real[order], CLASS: kinds[order]}
        history = model.fit(inputs, truth, batch_size=BATCH, shuffle=False, verbose=0)
        logger.info("epoch %d: loss %.5f", epoch + 1, history.history["loss"][0])
    return freeze(model, content)
