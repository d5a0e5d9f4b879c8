"""What the stamp network learns from, calibrates on and is judged by; no sky is on two sides."""

import hashlib
import logging
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from detection.assessment import DETECTION_SIGMA
from detection.dataset import SEEDS_APART, check_kinds
from detection.scenes import Scene, make_scenes
from detection.stampnet.grounds import grounds_of_scene, grounds_of_stamps, residuals_of_stamps
from detection.stampnet.harvest import harvest
from detection.stampnet.labelled import labelled, sky_of
from detection.stampnet.making import fabricate, with_histories
from detection.stampnet.realframes import read_field, scenes_of
from detection.stampnet.sight import is_visible
from detection.stampnet.stamps import Stamps, joined
from detection.stamps import read_stamps

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StampPreset:
    """How large a training is. Scenes are counted before the pipeline refuses some of them."""

    training_scenes: int
    validation_scenes: int
    test_scenes: int
    epochs: int
    grounds_per_scene: int = 24
    grounds_per_real_stamp: int = 40
    frame_pairs: int = 30
    most_real: int = 6000
    width: int = 16
    workers: int = 2


STAMP_PRESETS = {
    "ci": StampPreset(
        12, 8, 8, epochs=2, grounds_per_scene=12, grounds_per_real_stamp=2, frame_pairs=1
    ),
    "default": StampPreset(240, 50, 90, epochs=7),
    "gpu": StampPreset(4000, 400, 800, epochs=20, frame_pairs=45, most_real=80_000, width=24),
}
# Scenes of the U-Net's trainings have seeds below this.
FIRST_SEED = 50_000
# Stamps that people or catalogues labelled are few and true.
LABELLED_WEIGHT = 5.0


@dataclass(frozen=True)
class RealSky:
    """Real data of a folder: labelled stamps, scenes of frame pairs by field, unlabelled sky."""

    stamps: Stamps | None
    fields: dict[str, list[Scene]]
    sha256: dict[str, str]
    skies: Stamps | None = None


def read_real(folder: Path, pairs: int, seed: int) -> RealSky:
    """Read real data.

    These are ``*.npz`` with labelled stamps, ``skies/*.npz`` with stamps that nobody labelled, and
    ``frames/FIELD/*.fits`` of one night each.

    Raises
    ------
    ValueError, BadImage
        If there is neither, or one of them cannot be used.
    """
    files, skies = sorted(folder.glob("*.npz")), sorted(folder.glob("skies/*.npz"))
    fields = sorted(path for path in folder.glob("frames/*") if path.is_dir())
    if not files and not fields and not skies:
        raise ValueError(
            f"{folder} holds neither *.npz files of stamps nor frames/FIELD or skies folders"
        )
    stamps = joined([labelled(read_stamps(path)) for path in files]) if files else None
    frames = [path for field in fields for path in sorted(field.glob("*.fits"))]
    return RealSky(
        stamps=stamps,
        fields={path.name: list(scenes_of(read_field(path), pairs, seed)) for path in fields},
        sha256={
            str(path.relative_to(folder)): file_hash(path) for path in [*files, *skies, *frames]
        },
        skies=joined([sky_of(path) for path in skies]) if skies else None,
    )


def file_hash(path: Path) -> str:
    """Give the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True)
class StampSplit:
    """Stamps for learning, for calibrating and for judging."""

    training: Stamps
    validation: Stamps
    test: Stamps
    parts: dict[str, dict[str, Any]]
    refused: list[str]

    def __post_init__(self) -> None:
        """Refuse a split that would let the network meet its examiners."""
        check_apart(self.training, self.validation, self.test)


def check_apart(*parts: Stamps) -> None:
    """Refuse parts that show the same sky.

    Raises
    ------
    ValueError
        With the first objects or scenes that are in two parts.
    """
    groups = [set(part.group.tolist()) for part in parts]
    for index, one in enumerate(groups):
        for other in groups[index + 1 :]:
            shared = sorted(one & other)
            if shared:
                raise ValueError(
                    f"{len(shared)} objects or scenes are on both sides of the split, "
                    f"{shared[:3]} among them: split by sky first"
                )


def make_split(preset: StampPreset, seed: int, real: RealSky | None) -> StampSplit:
    """Make everything that a training needs.

    Raises
    ------
    ValueError
        If a part holds no real or no bogus candidate.
    """
    rng = np.random.default_rng([seed, 4])
    scenes, refused = simulate(preset, seed)
    training = scenes[0]
    parts = {
        "simulated candidates": with_histories(
            thinned(harvest(training), preset.most_real, rng), rng
        ),
        "made on simulated sky": fabricate(
            [g for s in training for g in grounds_of_scene(s, preset.grounds_per_scene, rng)], rng
        ),
    }
    if real is not None:
        parts |= real_parts(real, preset, rng)
    validation, test = (harvest(part, least=DETECTION_SIGMA) for part in scenes[1:])
    described = parts | {"validation": validation, "test": test}
    return StampSplit(
        training=joined(list(parts.values())),
        validation=validation,
        test=test,
        parts={name: describe(part) for name, part in described.items()},
        refused=refused,
    )


def simulate(preset: StampPreset, seed: int) -> tuple[list[list[Scene]], list[str]]:
    """Simulate the scenes of the three parts; other seeds give other skies."""
    start = seed * SEEDS_APART + FIRST_SEED
    parts, refused = [], []
    for size in (preset.training_scenes, preset.validation_scenes, preset.test_scenes):
        scenes, words = make_scenes(range(start, start + size), workers=preset.workers)
        check_kinds(scenes, size)
        logger.info("made %d scenes, %d refused", len(scenes), len(words))
        parts.append(scenes)
        refused.extend(words)
        start += size
    return parts, refused


def real_parts(real: RealSky, preset: StampPreset, rng: np.random.Generator) -> dict[str, Stamps]:
    """Give the stamps that rest on real pixels."""
    parts = {}
    for name, scenes in real.fields.items():
        grounds = [g for s in scenes for g in grounds_of_scene(s, preset.grounds_per_scene, rng)]
        found = with_histories(thinned(harvest(scenes), preset.most_real // 3, rng), rng)
        parts[f"candidates of {name}"] = in_group(found, f"field {name}")
        parts[f"made on {name}"] = in_group(fabricate(grounds, rng), f"field {name}")
    if real.stamps is not None:
        labelled_ones = replace(real.stamps, weight=np.full(len(real.stamps), LABELLED_WEIGHT))
        parts["labelled"] = labelled_ones
        parts |= beside(real.stamps, preset.grounds_per_real_stamp, rng, "labelled")
    if real.skies is not None:
        parts |= beside(real.skies, preset.grounds_per_real_stamp, rng, "unlabelled")
    return parts


def beside(stamps: Stamps, rounds: int, rng: np.random.Generator, name: str) -> dict[str, Stamps]:
    """Give residuals beside the candidates of real stamps, and what is made on their sky."""
    grounds = [g for _ in range(rounds) for g in grounds_of_stamps(stamps, rng)]
    return {
        f"residuals beside {name}": visible(residuals_of_stamps(stamps)),
        f"made beside {name}": visible(fabricate(grounds, rng)),
    }


def visible(stamps: Stamps) -> Stamps:
    """Leave out stamps that moving or spoiling has left without data or noise."""
    return stamps.chosen(np.flatnonzero(is_visible(stamps.planes)))


def in_group(stamps: Stamps, group: str) -> Stamps:
    """Say that all stamps show one sky."""
    return replace(stamps, group=np.full(len(stamps), group))


def thinned(stamps: Stamps, most: int, rng: np.random.Generator) -> Stamps:
    """Leave out real candidates, at random, beyond ``most``."""
    real = rng.permutation(np.flatnonzero(stamps.is_real))[:most]
    return stamps.chosen(np.sort(np.concatenate([real, np.flatnonzero(~stamps.is_real)])))


def halves(stamps: Stamps) -> tuple[Stamps, Stamps]:
    """Split labelled stamps in two by the name of the object; no draw decides, so it stays."""
    side = np.array(
        [hashlib.sha256(name.encode()).digest()[0] % 2 for name in stamps.group.tolist()]
    )
    return stamps.chosen(np.flatnonzero(side == 0)), stamps.chosen(np.flatnonzero(side == 1))


def describe(stamps: Stamps) -> dict[str, Any]:
    """Count what a part holds and give the hash of its pixels and labels."""
    return {
        "stamps": len(stamps),
        "real": int(stamps.is_real.sum()),
        "bogus": int((~stamps.is_real).sum()),
        "skies": len(set(stamps.group.tolist())),
        "kinds": dict(sorted(Counter(stamps.kind.tolist()).items())),
        "sha256": stamps.sha256(),
    }
