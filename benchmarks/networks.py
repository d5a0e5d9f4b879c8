"""What the networks leave of the candidates of real frames, and which injected sources they lose.

Between two exposures of one field hours apart next to nothing changes: what stands out and was not
injected counts as false. Each pair is subtracted without injected sources first: one that falls on
what stands out then is blended with an artifact, and counts neither as found nor as lost. The
factor by which candidates are cut is given at the threshold of the card, and at the one that loses
1 % of the injected sources. That one is chosen on one half of the pairs and used on the other, each
in turn, so that no pair chooses its own.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from astrid.core.console import progress, stderr, table
from benchmarks import decam
from benchmarks.estimates import wilson
from detection import inference, weights
from detection.card import ANOMALY, CLASSIFIER, UNET
from detection.ensemble import Places
from detection.networks import Networks
from detection.scenes import Candidates, Scene, compose
from detection.scoring import Frame, judge, novelties
from detection.stampnet.realframes import Field, pairs_of, read_field, scene_of
from preprocessing.calibrated import CalibratedFrame

Figures = dict[str, Any]
FloatArray = npt.NDArray[np.floating]
BoolArray = npt.NDArray[np.bool_]

HELP = (
    "Inject sources into real frames, subtract them from each other, and count what the networks "
    "leave of the candidates."
)
SIGMA, LEAST_SNR = 5.0, 5.0
LOSS = 0.01
USUAL_FWHM = 3.0  # px: of no consequence where nothing was injected
REQUIRED_FACTOR = 13.4  # DES autoScan: Goldstein et al. 2015, AJ 150, 82
ROUNDS = 1000


@dataclass(frozen=True)
class Judged:
    """Candidates of all pairs; one array element each."""

    confidence: FloatArray
    is_real: BoolArray
    is_unknown: BoolArray
    pair: npt.NDArray[np.intp]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--frames", type=Path, action="append", default=[], metavar="DIR",
        help="calibrated frames of one field on one grid, as reduce writes them; may be repeated",
    )  # fmt: skip
    parser.add_argument("--decam", type=Path, help="folder of the DECam exposures")
    parser.add_argument("--pairs", type=int, default=20, help="of each field, at most (20)")
    parser.add_argument(
        "--rounds", type=int, default=1, help="of injected sources into each pair (1)"
    )
    parser.add_argument("--seed", type=int, default=1)


@dataclass(frozen=True)
class Result:
    """What one field gave."""

    judged: Judged
    pairs: int
    pixels: int
    injected: int
    cpu_seconds: float


def run(options: dict[str, Any]) -> Figures:
    """Measure.

    Raises
    ------
    ValueError
        If there are no frames, or they cannot be used.
    BadWeights
        If the shipped networks cannot be used.
    """
    fields = list(fields_of(options))
    if not fields:
        raise ValueError("no frames: name them by --frames DIR or --decam DIR")
    networks = shipped()
    threshold = networks.judge.card.thresholds["detection"]
    with progress(quiet=options["json"]) as bars:
        results = {
            field.name: measure(field, networks, options)
            for field in bars.track(fields, description="fields")
        }
    everything = together(list(results.values()))
    return {
        "network": f"{networks.judge.card.name} {networks.judge.card.version}",
        "threshold": threshold,
        "required_factor": REQUIRED_FACTOR,
        "all": figures(everything, threshold),
        "fields": {name: figures(result, threshold) for name, result in results.items()},
    }


def fields_of(options: dict[str, Any]) -> Iterator[Field]:
    """Read the fields that were named; each DECam epoch is one."""
    for folder in options["frames"]:
        yield read_field(folder)
    if options["decam"]:
        for epoch, names in decam.EPOCHS.items():
            frames = [decam.read(options["decam"], name) for name in names]
            yield Field(f"DECam {epoch}", frames)


def shipped() -> Networks:
    """Open the networks that come with the code."""
    opened = {kind: weights.load(path) for kind, path in weights.SHIPPED.items()}
    return Networks(opened.get(CLASSIFIER, opened[UNET]), opened[UNET], opened.get(ANOMALY))


def measure(field: Field, networks: Networks, options: Figures) -> Result:
    """Inject into pairs of a field, subtract and judge."""
    parts, cpu, pixels, sources, pairs = [], 0.0, 0, 0, 0
    # as realframes.scenes_of draws them
    rng = np.random.default_rng([options["seed"], 5])
    for number, frames in pairs_of(field, options["pairs"], rng):
        before = found_before(frames, number)
        for _ in range(options["rounds"]):
            scene = scene_of(frames, number, rng)
            began = time.process_time()
            answers = ask(networks, scene)
            cpu += time.process_time() - began
            pixels += scene.labels.size
            sources += int(usable(scene, before).sum())
            parts.append(counted(scene, answers, pairs, before))
        pairs += 1
    judged = Judged(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    return Result(judged, pairs, pixels, sources, cpu)


def found_before(frames: tuple[CalibratedFrame, CalibratedFrame], number: int) -> Candidates:
    """Give what stands out between two frames into which nothing was put."""
    nothing = np.empty((0, 4)), np.empty(0, str)
    return compose(number, frames, nothing, USUAL_FWHM).candidates


def together(results: list[Result]) -> Result:
    """Put the pairs of all fields together."""
    first = np.cumsum([0, *(result.pairs for result in results)])
    judged = Judged(
        np.concatenate([result.judged.confidence for result in results]),
        np.concatenate([result.judged.is_real for result in results]),
        np.concatenate([result.judged.is_unknown for result in results]),
        np.concatenate(
            [each.judged.pair + start for each, start in zip(results, first, strict=False)]
        ),
    )
    return Result(
        judged,
        int(first[-1]),
        sum(result.pixels for result in results),
        sum(result.injected for result in results),
        sum(result.cpu_seconds for result in results),
    )


def figures(result: Result, threshold: float) -> Figures:
    """Count what the networks leave, as plain values."""
    judged, area = result.judged, result.pixels / 1e6
    false = int((~judged.is_real).sum())
    return {
        "pairs": result.pairs,
        "megapixels": area,
        "injected": result.injected,
        "injected_found": int(judged.is_real.sum()),
        "false": false,
        "false_per_mpix": false / area,
        "injected_called_unknown": int((judged.is_unknown & judged.is_real).sum()),
        "network_cpu_s_per_mpix": result.cpu_seconds / area,
        "at_the_threshold_of_the_card": outcome(judged, np.full(len(judged.pair), threshold)),
        "at_one_per_cent_loss": (
            outcome(judged, crossed_thresholds(judged)) if result.pairs > 1 else None
        ),
    }


def ask(networks: Networks, scene: Scene) -> tuple[FloatArray, BoolArray]:
    """Judge the candidates of a scene as the pipeline does; 0 for what cannot be judged.

    Returns
    -------
    (n,) float array, (n,) bool array
        Confidence, and whether it is like nothing learned.
    """
    found = scene.candidates
    probability = inference.probability_map(networks.unet, scene.stack)
    places = Places(found.x, found.y, found.is_negative)
    judged = judge(networks, Frame(scene.stack, probability, scene.fwhm), places)
    return np.nan_to_num(judged.confidence), novelties(networks, judged) > 1


def usable(scene: Scene, before: Candidates) -> BoolArray:
    """Say which injected sources are above threshold, not masked, and not on an artifact."""
    apart = np.hypot(
        scene.sources[:, 0, None] - before.x[None], scene.sources[:, 1, None] - before.y[None]
    )
    is_alone = (apart > scene.fwhm).all(axis=1)
    is_seen = (np.abs(scene.sources[:, 2]) >= LEAST_SNR) & (scene.sources[:, 3] == 0)
    return np.asarray(is_seen & is_alone)


def counted(
    scene: Scene, answers: tuple[FloatArray, BoolArray], number: int, before: Candidates
) -> tuple[FloatArray, BoolArray, BoolArray, npt.NDArray[np.intp]]:
    """Keep candidates above threshold: of usable sources, or of nothing that was injected."""
    found = scene.candidates
    is_usable = np.append(usable(scene, before), True)[found.source]
    kept = (found.significance >= SIGMA) & is_usable
    confidence, is_unknown = (column[kept] for column in answers)
    return confidence, found.is_real[kept], is_unknown, np.full(int(kept.sum()), number)


def crossed_thresholds(judged: Judged) -> FloatArray:
    """Give each candidate the threshold that loses 1 % in the other half of the pairs."""
    half = judged.pair % 2
    thresholds = np.empty(len(half))
    for which in (0, 1):
        others = judged.confidence[judged.is_real & (half != which)]
        if others.size == 0:
            raise ValueError("too few pairs: both halves need injected sources that were found")
        thresholds[half == which] = np.quantile(others, LOSS)
    return thresholds


def outcome(judged: Judged, thresholds: FloatArray) -> Figures:
    """Count what passes; the interval of the factor draws whole pairs."""
    passes = judged.confidence >= thresholds
    lost = judged.is_real & ~passes
    real = int(judged.is_real.sum())
    low, high = wilson(int(lost.sum()), real)
    factors = [factor(judged, passes, rows) for rows in resampled(judged.pair)]
    spread = np.quantile(factors, [0.025, 0.975]).tolist()
    return {
        "threshold": float(np.mean(thresholds)),
        "lost": int(lost.sum()),
        "lost_share": float(lost.sum() / real),
        "lost_interval": [low, high],
        "false_left": int((passes & ~judged.is_real).sum()),
        "factor": factor(judged, passes, np.arange(len(passes))),
        "factor_interval": spread,
    }


def factor(judged: Judged, passes: BoolArray, rows: npt.NDArray[np.intp]) -> float:
    """Give how many false candidates there were for each that is left, half a one at least."""
    false = ~judged.is_real[rows]
    return float(false.sum() / max(0.5, (passes[rows] & false).sum()))


def resampled(pair: npt.NDArray[np.intp]) -> Iterator[npt.NDArray[np.intp]]:
    """Draw pairs with replacement."""
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(pair == each) for each in np.unique(pair)]
    for _ in range(ROUNDS):
        chosen = rng.integers(0, len(members), len(members))
        yield np.concatenate([members[each] for each in chosen])


def show(found: Figures) -> None:
    """Print the figures on standard error."""
    rows = [_row(name, each) for name, each in (found["fields"] | {"all": found["all"]}).items()]
    header = [
        "field", "pairs", "injected, found", "false/Mpix",
        "factor at the card's threshold", "lost", f"factor at {LOSS:.0%} loss", "lost",
    ]  # fmt: skip
    stderr.print(table(f"{found['network']} on real frames", header, rows))


def _row(name: str, field: Figures) -> list[str]:
    cells = [
        name,
        str(field["pairs"]),
        f"{field['injected']}, {field['injected_found']}",
        f"{field['false_per_mpix']:.1f}",
    ]
    for key in ("at_the_threshold_of_the_card", "at_one_per_cent_loss"):
        one = field[key]
        if one is None:
            cells += ["one pair only", "-"]
            continue
        low, high = one["factor_interval"]
        cells += [f"{one['factor']:.1f} ({low:.1f} to {high:.1f})", f"{one['lost_share']:.1%}"]
    return cells
