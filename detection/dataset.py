"""Which scenes a training learns from, calibrates on and is judged by."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from detection.scenes import Scene, make_scenes
from observations.simulator import SceneParameters

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Preset:
    """How large a training is. Scenes are counted before the pipeline refuses some of them."""

    training_scenes: int
    validation_scenes: int
    test_scenes: int
    survey_scenes: int
    epochs: int
    tiles_per_epoch: int
    batch: int = 32
    base: int = 8
    depth: int = 3
    learning_rate: float = 3e-3
    workers: int = 2


PRESETS = {
    "ci": Preset(16, 10, 10, 2, epochs=2, tiles_per_epoch=256),
    "default": Preset(240, 60, 120, 40, epochs=12, tiles_per_epoch=4096),
}


@dataclass(frozen=True)
class Split:
    """Scenes for learning, for calibrating and for judging; no sky is in two of them."""

    training: list[Scene]
    validation: list[Scene]
    test: list[Scene]
    survey: list[Scene]
    refused: list[str]

    def __post_init__(self) -> None:
        """Refuse a split that would let the network meet its examiners."""
        parts = (self.training, self.validation, self.test, self.survey)
        check_disjoint(*([scene.seed for scene in part] for part in parts))


def check_disjoint(*parts: Sequence[int]) -> None:
    """Refuse parts that share a scene, or repeat one.

    Raises
    ------
    ValueError
        With the seeds found more than once.
    """
    seeds = [seed for part in parts for seed in part]
    twice = sorted({seed for seed in seeds if seeds.count(seed) > 1})
    if twice:
        raise ValueError(f"scenes {twice[:5]} are in the data more than once: split by scene")


def seeds_of(preset: Preset, seed: int) -> list[range]:
    """Give the scene seeds of the four parts; other seeds give other skies."""
    sizes = (
        preset.training_scenes, preset.validation_scenes, preset.test_scenes, preset.survey_scenes
    )  # fmt: skip
    starts = np.cumsum([seed * SEEDS_APART, *sizes]).tolist()
    return [range(start, stop) for start, stop in pairwise(starts)]


SEEDS_APART = 100_000
# An ordinary night in an ordinary field: few real changes, frames dithered.
SURVEY = SceneParameters(size=512, transients_per_mpix=4.0, variables_per_mpix=2.0)


def make_split(preset: Preset, seed: int) -> Split:
    """Simulate all scenes of a training.

    Raises
    ------
    ValueError
        If training, validation or test hold no real or no bogus candidate.
    """
    *drawn, survey_seeds = seeds_of(preset, seed)
    parts, refused = [], []
    for seeds in drawn:
        scenes, words = make_scenes(seeds, workers=preset.workers)
        check_kinds(scenes, len(seeds))
        parts.append(scenes)
        refused.extend(words)
        logger.info("made %d scenes, %d refused", len(scenes), len(words))
    survey, words = make_scenes(survey_seeds, workers=preset.workers, conditions=(SURVEY, True))
    training, validation, test = parts
    return Split(training, validation, test, survey, refused + words)


def check_kinds(scenes: list[Scene], wanted: int) -> None:
    """Refuse scenes that nothing can be learned from."""
    is_real = np.concatenate([scene.candidates.is_real for scene in scenes] or [np.zeros(0, bool)])
    if is_real.all() or not is_real.any():
        raise ValueError(
            f"{len(scenes)} of {wanted} scenes hold {int(is_real.sum())} real and "
            f"{int((~is_real).sum())} bogus candidates: more scenes are needed"
        )


def describe_part(scenes: list[Scene]) -> dict[str, Any]:
    """Count what a part of the data holds and give the hash of its pixels and labels."""
    digest = hashlib.sha256()
    for scene in scenes:
        digest.update(scene.stack.tobytes() + scene.labels.tobytes() + scene.weights.tobytes())
    is_real = np.concatenate([scene.candidates.is_real for scene in scenes] or [np.zeros(0, bool)])
    return {
        "seeds": [scene.seed for scene in scenes],
        "scenes": len(scenes),
        "megapixels": round(sum(scene.labels.size for scene in scenes) / 1e6, 2),
        "real": int(is_real.sum()),
        "bogus": int((~is_real).sum()),
        "sha256": digest.hexdigest(),
    }
