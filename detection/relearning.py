"""A new version of the stamp network from verdicts: tuned, calibrated, measured, described."""

import hashlib
import time
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from detection import weights
from detection.anomalytraining import fit_detector, samples_of
from detection.assessment import choose_thresholds
from detection.card import Card
from detection.comparison import Pair, compare
from detection.recalibration import Judged, recalibrated, refit
from detection.stampnet.dataset import RealSky, check_apart, describe
from detection.stampnet.finetuning import Rehearsal, Tuning, mixed, rehearse, tune
from detection.stampnet.serving import judge
from detection.stampnet.stamps import Stamps, joined
from detection.stampnet.training import measured
from detection.training import LIBRARIES
from detection.weights import Weights


@dataclass(frozen=True)
class Verdicts:
    """What people said, each part of other sky: to learn, to calibrate, to be judged by."""

    learning: Stamps
    calibration: Stamps
    judging: Stamps

    def __post_init__(self) -> None:
        """Refuse parts that show the same sky."""
        check_apart(self.learning, self.calibration, self.judging)

    def __len__(self) -> int:
        """Count them."""
        return len(self.learning) + len(self.calibration) + len(self.judging)

    @property
    def parts(self) -> dict[str, dict[str, Any]]:
        """Describe each part."""
        return {
            "verdicts, learned": describe(self.learning),
            "verdicts, calibrated on": describe(self.calibration),
            "verdicts, judged by": describe(self.judging),
        }


@dataclass(frozen=True)
class Origin:
    """What new versions are called, and the hash of the data set that the verdicts are."""

    version: str
    detector_version: str
    dataset: str


@dataclass(frozen=True)
class Relearned:
    """A network that has learned on, and the detector of what is unlike all that it knows."""

    network: Weights
    detector: Weights

    @property
    def figures(self) -> dict[str, Any]:
        """Old and new network on the verdicts of other sky, and on simulated test scenes."""
        return dict(self.network.card.metrics["relearned"])


def relearn(
    old: Weights, verdicts: Verdicts, tuning: Tuning, origin: Origin, real: RealSky | None = None
) -> Relearned:
    """Let a stamp network learn from verdicts beside what it learned first.

    Calibration and thresholds come from sky that was not learned, figures from sky that served
    for neither.

    Parameters
    ----------
    old : Weights
        Of the network that is to learn on.
    real : RealSky, optional
        Real data of its first training, to be met again.

    Raises
    ------
    ValueError
        If data do not hold what is needed, such as real and bogus ones in every part.
    BadWeights
        If the network cannot learn.
    """
    start = time.perf_counter()
    rehearsal = rehearse(old.card, tuning, real)
    made = time.perf_counter()
    content = tune(old.content, mixed(verdicts.learning, rehearsal.training), tuning)
    seconds = {"data": made - start, "fit": time.perf_counter() - made}
    training = training_of(old, tuning, origin, seconds)
    training["parts"] = verdicts.parts | rehearsal.parts
    new = calibrated(content, replace(old.card, training=training), origin, verdicts, rehearsal)
    new = reopened(new, metrics=metrics_of(old, new, verdicts, rehearsal))
    new = reopened(new, remarks=[said(new.card)])
    learned = joined([rehearsal.training, verdicts.learning])
    held_out = joined([rehearsal.validation, rehearsal.test, verdicts.judging])
    samples = samples_of(new, learned, held_out)
    detector = fit_detector(samples, new.card, origin.detector_version)
    return Relearned(new, opened(*detector))


def opened(content: bytes, card: Card) -> Weights:
    """Open a network that has no file yet."""
    return weights.opened(content, card, Path(f"{card.name}-{card.version}.onnx"))


def reopened(network: Weights, **changes: Any) -> Weights:
    """Give a network with another card."""
    return replace(network, card=replace(network.card, **changes))


def calibrated(
    content: bytes, card: Card, origin: Origin, verdicts: Verdicts, rehearsal: Rehearsal
) -> Weights:
    """Fit the confidence to verdicts that were not learned, and choose thresholds on them."""
    digest = hashlib.sha256(content).hexdigest()
    training = card.training | {"numbers_sha256": digest}
    raw = opened(content, replace(card, sha256=digest, training=training, remarks=[]))
    held = verdicts.calibration
    confidence = judge(raw, held).confidence
    correction = refit(Judged(confidence, held.is_real, held.weight, held.group))
    card = recalibrated(raw.card, correction, origin.version)
    both = joined([held, rehearsal.validation])
    sure = judge(replace(raw, card=card), both).confidence
    return replace(raw, card=replace(card, thresholds=choose_thresholds(sure, both.is_real)))


def metrics_of(
    old: Weights, new: Weights, verdicts: Verdicts, rehearsal: Rehearsal
) -> dict[str, Any]:
    """Measure the new network, and the old one in pairs beside it."""
    sets = {"simulated": rehearsal.test, "real_out_of_fold": verdicts.judging}
    found: dict[str, Any] = {}
    pairs: dict[str, Any] = {}
    for name, stamps in sets.items():
        before, after = (judge(network, stamps) for network in (old, new))
        found[name] = measured(after.confidence, after.kinds, stamps)
        pair = Pair(before.confidence, after.confidence, stamps.is_real, stamps.group)
        pairs[name] = compare(pair)
    counts = {
        "real": found["real_out_of_fold"]["real"],
        "bogus": found["real_out_of_fold"]["bogus"],
    }
    return found | {
        "relearned": {
            "verdicts": counts | pairs["real_out_of_fold"],
            "simulated": pairs["simulated"],
        }
    }


def said(card: Card) -> str:
    """Say in words what learning has changed."""
    figures = card.metrics["relearned"]
    counts = figures["verdicts"]
    return (
        f"Learned on from {card.training['from']} with verdicts of people (data set "
        f"{card.training['verdicts'][:12]}). On {counts['real']} real and {counts['bogus']} bogus "
        f"verdicts of other parts of the sky the AUC changes by {_change(counts['auc'])}, false "
        f"positives where 95 % pass by {_change(counts['fpr_at_tpr95'])}, the calibration error "
        f"by {_change(counts['ece'])}; on simulated test scenes the AUC by "
        f"{_change(figures['simulated']['auc'])}."
    )


def _change(figure: dict[str, dict[str, float]]) -> str:
    found = figure["difference"]
    return f"{found['value']:+.4f} ({found['low']:+.4f} to {found['high']:+.4f})"


def training_of(
    old: Weights, tuning: Tuning, origin: Origin, seconds: dict[str, float]
) -> dict[str, Any]:
    """Say how the new version was made; the recipe of the first training stays in it."""
    return {
        **old.card.training,
        "from": f"{old.card.name} {old.card.version}",
        "from_sha256": old.card.sha256,
        "verdicts": origin.dataset,
        "tuning": asdict(tuning),
        "seconds": round(sum(seconds.values()), 1),
        "seconds_by_step": {name: round(value, 1) for name, value in seconds.items()},
        "libraries": {name: version(name) for name in LIBRARIES},
    }
