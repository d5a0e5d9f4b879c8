"""Train the stamp network, calibrate it, measure it, export it."""

import hashlib
import logging
import time
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from detection import metrics
from detection.assessment import choose_thresholds
from detection.calibration import Calibration, fit_calibration
from detection.card import CLASSIFIER, Card
from detection.stampnet.dataset import (
    STAMP_PRESETS,
    RealSky,
    StampPreset,
    StampSplit,
    check_apart,
    halves,
    make_split,
    read_real,
)
from detection.stampnet.fitting import fit
from detection.stampnet.labelled import class_figures
from detection.stampnet.network import EMBEDDING, MEMBERS, OUTPUTS
from detection.stampnet.serving import NAME, answers, judge
from detection.stampnet.sight import CHANNELS, INPUTS, VERSION, look
from detection.stampnet.stamps import CLASSES, Stamps, joined
from detection.training import LIBRARIES, write
from detection.weights import load

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

RELEASE = "2"
# Share of real ones among labelled survey alerts; confidences hold for such a mix.
PRIOR = 0.9
FALSE_POSITIVES = 0.01


def train(
    preset: StampPreset, seed: int, out: Path, *, real: Path | None = None, crossfit: bool = False
) -> Card:
    """Train an ensemble; write ``astrid-stamps-2.onnx`` and its card into ``out``.

    Parameters
    ----------
    real : Path, optional
        Folder of real data, see :func:`detection.stampnet.dataset.read_real`; without it the
        network learns from simulation only, and its card says so.
    crossfit : bool
        Train twice more, each time without half of the labelled objects, and measure and
        calibrate on that half. Real figures are then of objects that were not learned.

    Raises
    ------
    ValueError
        If the data do not hold what is needed.
    """
    start = time.perf_counter()
    sky = read_real(real, preset.frame_pairs, seed) if real else None
    split = make_split(preset, seed, sky)
    drawn = time.perf_counter()
    model = fit(look(split.training), split.training, seed=seed, epochs=preset.epochs,
                width=preset.width)  # fmt: skip
    fitted = time.perf_counter()
    content = export(model)
    path = out / f"{NAME}-{RELEASE}.onnx"
    out.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    held = out_of_fold(split, sky, preset, seed) if crossfit and sky else None
    seconds = {"data": drawn - start, "fit": fitted - drawn}
    training = describe(preset, seed, split, sky, seconds)
    training["numbers_sha256"] = numbers_hash(model)
    card = draft(content, model.count_params(), training)
    return judged(card, path, split, held)


def out_of_fold(
    split: StampSplit, sky: RealSky, preset: StampPreset, seed: int
) -> tuple[Stamps, NDArray[np.floating], NDArray[np.floating]] | None:
    """Give labelled stamps with what networks say of them that never met their objects.

    Returns
    -------
    (Stamps, (n,) array, (n, 3) array)
        Stamps, mean probability of being real, mean probabilities of the classes; None without
        labelled stamps.
    """
    if sky.stamps is None:
        return None
    parts = halves(sky.stamps)
    names = [set(part.group.tolist()) for part in parts]
    probability, kinds = [], []
    for index, part in enumerate(parts):
        met = np.array([name in names[index] for name in split.training.group.tolist()])
        others = split.training.chosen(np.flatnonzero(~met))
        check_apart(others, part)
        model = fit(look(others), others, seed=seed + 1 + index, epochs=preset.epochs,
                    width=preset.width)  # fmt: skip
        views = look(part)
        found = model.predict({name: getattr(views, name) for name in INPUTS}, verbose=0)
        probability.append(special.expit(found[0].astype(float)).mean(axis=1))
        kinds.append(special.softmax(found[1], axis=2).mean(axis=1))
    return joined(parts), np.concatenate(probability), np.concatenate(kinds)


def export(model: "keras.Model") -> bytes:
    """Give the ensemble as ONNX, for any number of stamps."""
    import tensorflow as tf
    import tf2onnx

    signature = [
        tf.TensorSpec((None, *shape), tf.float32, name=name) for name, shape in INPUTS.items()
    ]

    def answer(fovea: Any, periphery: Any, context: Any) -> dict[str, Any]:
        found = model([fovea, periphery, context], training=False)
        return dict(zip(OUTPUTS, found, strict=True))

    network, _ = tf2onnx.convert.from_function(
        tf.function(answer, signature), input_signature=signature, opset=17
    )
    return bytes(network.SerializeToString())


def numbers_hash(model: "keras.Model") -> str:
    """Give the hash of all weights; equal trainings have one, their exported bytes may differ."""
    digest = hashlib.sha256()
    for values in model.get_weights():
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def draft(content: bytes, size: int, training: dict[str, Any]) -> Card:
    """Give a card that is enough to load the network and nothing more."""
    return Card(
        name=NAME,
        version=RELEASE,
        sha256=hashlib.sha256(content).hexdigest(),
        channels=CHANNELS,
        normalisation=VERSION,
        model_type=CLASSIFIER,
        inputs=INPUTS,
        classes=list(CLASSES),
        architecture={"members": MEMBERS, "embedding": EMBEDDING, "parameters": size},
        calibration=Calibration(),
        thresholds={},
        training=training,
    )


def judged(
    card: Card,
    path: Path,
    split: StampSplit,
    held: tuple[Stamps, NDArray[np.floating], NDArray[np.floating]] | None,
) -> Card:
    """Calibrate on validation stamps, then measure on test stamps.

    Bogus ones come from simulated skies in any case: labelled ones are too few to calibrate on.
    """
    card = write(card, path)
    network = load(path)
    probability = special.expit(answers(network, look(split.validation))[0]).mean(axis=1)
    is_real = split.validation.is_real
    if held is not None:
        probability = np.concatenate([probability[~is_real], held[1]])
        is_real = np.concatenate([is_real[~is_real], held[0].is_real])
    calibration = fit_calibration(probability, is_real, prior=PRIOR)
    thresholds = choose_thresholds(calibration(probability), is_real)
    card = write(replace(card, calibration=calibration, thresholds=thresholds), path)
    found = judge(load(path), split.test)
    figures = {"simulated": measured(found.confidence, found.kinds, split.test)}
    real = None if held is None else measured(calibration(held[1]), held[2], held[0])
    return write(replace(card, metrics=figures | {"real_out_of_fold": real}), path)


def measured(
    confidence: NDArray[np.floating], kinds: NDArray[np.floating], stamps: Stamps
) -> dict[str, Any]:
    """Give the figures of merit with their intervals, drawn by sky."""
    figures = {
        "auc": metrics.auc,
        "fpr_at_tpr95": metrics.fpr_at_tpr,
        "ece": metrics.ece,
        "missed_at_fpr1": missed_at_fpr,
    }
    return {
        "real": int(stamps.is_real.sum()),
        "bogus": int((~stamps.is_real).sum()),
        **{
            name: asdict(metrics.with_interval(figure, confidence, stamps.is_real, stamps.group))
            for name, figure in figures.items()
        },
        "classes": class_figures(kinds, stamps.kind),
    }


def missed_at_fpr(score: NDArray[np.floating], is_real: NDArray[np.bool_]) -> float:
    """Give the share of real ones that are lost where 1 % of the bogus ones pass."""
    threshold = np.quantile(score[~is_real], 1 - FALSE_POSITIVES)
    return float((score[is_real] <= threshold).mean())


def describe(
    preset: StampPreset,
    seed: int,
    split: StampSplit,
    sky: RealSky | None,
    seconds: dict[str, float],
) -> dict[str, Any]:
    """Say how the network was made, so that it can be made again."""
    return {
        "seed": seed,
        "preset_name": next(
            (name for name, known in STAMP_PRESETS.items() if known == preset), "own"
        ),
        "preset": asdict(preset),
        "real_files": {} if sky is None else sky.sha256,
        "prior": PRIOR,
        "parts": split.parts,
        "refused_scenes": len(split.refused),
        "seconds": round(sum(seconds.values()), 1),
        "seconds_by_step": {name: round(value, 1) for name, value in seconds.items()},
        "libraries": {name: version(name) for name in LIBRARIES},
    }
