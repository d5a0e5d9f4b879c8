"""What a network is worth on scenes with known truth."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detection import metrics
from detection.inference import peak_probability, probability_map
from detection.scenes import Scene
from detection.weights import Weights

FloatArray = NDArray[np.floating]
BoolArray = NDArray[np.bool_]

# The pipeline's threshold: candidates below it are used for learning only.
DETECTION_SIGMA = 5.0
# Share of real validation candidates that the detection threshold keeps.
COMPLETENESS = 0.97
# Share of bogus validation candidates that the strict threshold lets pass.
CONTAMINATION = 0.01
SNR_BINS = ((5.0, 7.0), (7.0, 10.0), (10.0, 20.0), (20.0, 1e6))


@dataclass(frozen=True)
class Peaks:
    """Candidates of many scenes and what the network gave them; one array element each."""

    probability: FloatArray
    significance: FloatArray
    is_real: BoolArray
    is_negative: BoolArray
    scene: NDArray[np.integer]

    def above(self, sigma: float) -> "Peaks":
        """Keep the candidates of at least ``sigma``."""
        kept = self.significance >= sigma
        return Peaks(*(values[kept] for values in vars(self).values()))


def peaks_of(weights: Weights, scenes: list[Scene], *, both_ways: bool = False) -> Peaks:
    """Run the network over scenes and read it at their candidates.

    Parameters
    ----------
    both_ways : bool
        Mean of the frame as it is and with its epochs exchanged: twice the work.
    """
    rows = []
    for scene in scenes:
        found = scene.candidates
        probability = probability_map(weights, scene.stack)
        if both_ways:
            probability += probability_map(weights, exchanged(scene.stack))
            probability /= 2
        peaks = peak_probability(probability, found.x, found.y)
        seeds = np.full(len(found), scene.seed)
        rows.append((peaks, found.significance, found.is_real, found.is_negative, seeds))
    return Peaks(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def exchanged(stack: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the stack of the pair with its epochs exchanged: what rose now fades."""
    return np.ascontiguousarray(stack[..., [1, 0, 2, 3]] * np.array([1, 1, -1, -1], np.float32))


def choose_thresholds(confidence: FloatArray, is_real: BoolArray) -> dict[str, float]:
    """Choose confidences on validation candidates: one that keeps, one that is strict."""
    keep = float(np.quantile(confidence[is_real], 1 - COMPLETENESS))
    strict = float(np.quantile(confidence[~is_real], 1 - CONTAMINATION))
    return {"detection": keep, "strict": max(keep, strict)}


def assess(weights: Weights, scenes: list[Scene]) -> dict[str, Any]:
    """Measure a calibrated network on test scenes.

    Returns
    -------
    dict
        Figures over candidates of at least 5 sigma, each with its 95 % interval.
    """
    peaks = peaks_of(weights, scenes).above(DETECTION_SIGMA)
    confidence = weights.card.calibration(peaks.probability)
    threshold = weights.card.thresholds["detection"]
    return {
        "scenes": len(scenes),
        "real": int(peaks.is_real.sum()),
        "bogus": int((~peaks.is_real).sum()),
        "auc": measure(metrics.auc, confidence, peaks),
        "fpr_at_tpr95": measure(metrics.fpr_at_tpr, confidence, peaks),
        "ece": measure(metrics.ece, confidence, peaks),
        "bogus_passing": asdict(metrics.share(confidence[~peaks.is_real] >= threshold)),
        "real_passing": asdict(metrics.share(confidence[peaks.is_real] >= threshold)),
        "real_passing_by_significance": by_significance(confidence >= threshold, peaks),
        "found_by_snr": found_by_snr(weights, scenes),
        "signs": by_sign(weights, scenes, confidence, peaks),
        "auc_of_significance": metrics.auc(peaks.significance, peaks.is_real),
    }


def measure(
    figure: Callable[[FloatArray, BoolArray], float], confidence: FloatArray, peaks: Peaks
) -> dict[str, float]:
    """Measure with an interval that draws whole scenes."""
    return asdict(metrics.with_interval(figure, confidence, peaks.is_real, peaks.scene))


def by_significance(passes: BoolArray, peaks: Peaks) -> list[dict[str, float]]:
    """Give the share of real candidates that pass, in bins of their significance."""
    rows = []
    for low, high in SNR_BINS:
        inside = peaks.is_real & (peaks.significance >= low) & (peaks.significance < high)
        if inside.any():
            row = asdict(metrics.share(passes[inside]))
            rows.append({"from": low, "to": high, "n": int(inside.sum()), **row})
    return rows


def found_by_snr(weights: Weights, scenes: list[Scene]) -> list[dict[str, float]]:
    """Give the share of true sources that end as detections, in bins of their true S/N.

    This counts what the subtraction, the extraction and the network lose together.
    """
    true = np.concatenate([scene.sources for scene in scenes])
    usable = true[:, 3] == 0
    found = np.concatenate([detected(weights, scene) for scene in scenes])
    rows = []
    for low, high in SNR_BINS:
        inside = usable & (np.abs(true[:, 2]) >= low) & (np.abs(true[:, 2]) < high)
        if inside.any():
            row = asdict(metrics.share(found[inside]))
            rows.append({"from": low, "to": high, "n": int(inside.sum()), **row})
    return rows


def detected(weights: Weights, scene: Scene) -> BoolArray:
    """Say which true sources of a scene have a candidate that passes."""
    found = scene.candidates
    peaks = peak_probability(probability_map(weights, scene.stack), found.x, found.y)
    passes = weights.card.calibration(peaks) >= weights.card.thresholds["detection"]
    passes &= found.significance >= DETECTION_SIGMA
    return np.isin(np.arange(len(scene.sources)), found.source[passes])


def by_sign(
    weights: Weights, scenes: list[Scene], confidence: FloatArray, peaks: Peaks
) -> dict[str, float]:
    """Compare rising with fading candidates, and one pass of the network with two."""
    both = peaks_of(weights, scenes, both_ways=True).above(DETECTION_SIGMA)
    rises = ~peaks.is_negative
    return {
        "auc_rising": metrics.auc(confidence[rises], peaks.is_real[rises]),
        "auc_fading": metrics.auc(confidence[~rises], peaks.is_real[~rises]),
        "auc_both_ways": metrics.auc(both.probability, both.is_real),
    }


def workload(weights: Weights, scenes: list[Scene]) -> dict[str, float]:
    """Say what is left for people of scenes with few real changes.

    ``reduction`` is the number of candidates for each detection, ``bogus_reduction`` the same of
    bogus ones only.
    """
    peaks = peaks_of(weights, scenes).above(DETECTION_SIGMA)
    passes = weights.card.calibration(peaks.probability) >= weights.card.thresholds["detection"]
    area = sum(scene.labels.size for scene in scenes) / 1e6
    bogus = ~peaks.is_real
    return {
        "megapixels": area,
        "candidates_per_megapixel": passes.size / area,
        "real_candidates_per_megapixel": float(peaks.is_real.sum()) / area,
        "detections_per_megapixel": float(passes.sum()) / area,
        "bogus_detections_per_megapixel": float((passes & bogus).sum()) / area,
        "reduction": passes.size / max(1, int(passes.sum())),
        "bogus_reduction": float(bogus.sum()) / max(1, int((passes & bogus).sum())),
    }
