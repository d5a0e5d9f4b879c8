"""Train the U-Net on simulated scenes, export it, and measure it on scenes it has never met."""

import hashlib
import logging
import time
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from detection import normalise
from detection.assessment import DETECTION_SIGMA, assess, choose_thresholds, peaks_of, workload
from detection.calibration import Calibration, fit_calibration
from detection.card import Card
from detection.dataset import PRESETS, Preset, Split, describe_part, make_split
from detection.sampling import augmented_tiles
from detection.scenes import Scene
from detection.weights import INPUT, OUTPUT, load

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

NAME = "astrid-unet"
VERSION = "1"


def train(preset: Preset, seed: int, out: Path) -> Card:
    """Train a network, write ``astrid-unet-1.onnx`` and its card into ``out``.

    The same preset, seed, machine and library versions give the same weights and figures. The
    bytes of the file may differ: the exporter names nodes in no fixed order.

    Raises
    ------
    ValueError
        If the scenes do not hold what is needed.
    """
    start = time.perf_counter()
    split = make_split(preset, seed)
    simulated = time.perf_counter()
    model = fit(split.training, preset, seed)
    fitted = time.perf_counter()
    content = export(model)
    path = out / f"{NAME}-{VERSION}.onnx"
    out.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    seconds = {"simulation": simulated - start, "fit": fitted - simulated}
    training = describe(preset, seed, split, seconds)
    card = draft_card(content, model.count_params(), preset, training)
    return judge(card, path, split)


def fit(scenes: list[Scene], preset: Preset, seed: int) -> "keras.Model":
    """Fit a fresh U-Net to tiles of the scenes.

    References
    ----------
    Kingma & Ba 2015, ICLR, arXiv:1412.6980 (Adam); the rate falls as a cosine.
    """
    import keras

    from detection.unet import build_unet

    keras.utils.clear_session()
    make_deterministic(seed)
    model = build_unet(preset.base, preset.depth)
    steps = preset.tiles_per_epoch // preset.batch
    rate = keras.optimizers.schedules.CosineDecay(preset.learning_rate, steps * preset.epochs)
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=weighted_crossentropy)
    rng = np.random.default_rng([seed, 2])
    for epoch in range(preset.epochs):
        stacks, truth = augmented_tiles(scenes, preset.tiles_per_epoch, rng)
        history = model.fit(stacks, truth, batch_size=preset.batch, shuffle=False, verbose=0)
        logger.info("epoch %d: loss %.5f", epoch + 1, history.history["loss"][0])
    return model


def make_deterministic(seed: int) -> None:
    """Seed everything and, on TensorFlow, forbid operations whose result may vary."""
    import keras

    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def weighted_crossentropy(truth: Any, probability: Any) -> Any:
    """Mean cross-entropy over pixels; ``truth`` holds label and weight as its two channels."""
    from keras import ops

    label, weight = truth[..., :1], truth[..., 1:]
    p = ops.clip(probability, EPSILON, 1 - EPSILON)
    loss = -(label * ops.log(p) + (1 - label) * ops.log(1 - p))
    return ops.sum(weight * loss) / (ops.sum(weight) + 1)


EPSILON = 1e-6


def export(model: "keras.Model") -> bytes:
    """Give the network as ONNX, for any frame size.

    ``keras.Model.export`` and ``tf2onnx.convert.from_keras`` do not work with Keras 3 models of
    open size; a traced function does.
    """
    import tensorflow as tf
    import tf2onnx

    shape = (None, None, None, len(normalise.CHANNELS))
    signature = [tf.TensorSpec(shape, tf.float32, name=INPUT)]
    traced = tf.function(lambda stack: {OUTPUT: model(stack, training=False)}, signature)
    network, _ = tf2onnx.convert.from_function(traced, input_signature=signature, opset=17)
    return bytes(network.SerializeToString())


def draft_card(content: bytes, size: int, preset: Preset, training: dict[str, Any]) -> Card:
    """Give a card that is enough to load the network and nothing more."""
    return Card(
        name=NAME,
        version=VERSION,
        sha256=hashlib.sha256(content).hexdigest(),
        channels=list(normalise.CHANNELS),
        normalisation=normalise.VERSION,
        architecture={"base": preset.base, "depth": preset.depth, "parameters": size},
        calibration=Calibration(),
        thresholds={},
        training=training,
    )


def judge(card: Card, path: Path, split: Split) -> Card:
    """Calibrate on validation scenes, then measure on test scenes.

    Raises
    ------
    ValueError
        If a part holds no real or no bogus candidate above the detection threshold.
    """
    card = write(card, path)
    peaks = peaks_of(load(path), split.validation).above(DETECTION_SIGMA)
    calibration = fit_calibration(peaks.probability, peaks.is_real)
    thresholds = choose_thresholds(calibration(peaks.probability), peaks.is_real)
    card = write(replace(card, calibration=calibration, thresholds=thresholds), path)
    weights = load(path)
    figures = assess(weights, split.test)
    return write(replace(card, metrics=figures | {"survey": workload(weights, split.survey)}), path)


def write(card: Card, path: Path) -> Card:
    """Write the card beside its weights."""
    path.with_suffix(".json").write_text(card.to_json(), encoding="utf-8")
    return card


def describe(preset: Preset, seed: int, split: Split, seconds: dict[str, float]) -> dict[str, Any]:
    """Say how the network was made, so that it can be made again."""
    parts = {
        "training": split.training,
        "validation": split.validation,
        "test": split.test,
        "survey": split.survey,
    }
    return {
        "seed": seed,
        "preset_name": next((name for name, known in PRESETS.items() if known == preset), "own"),
        "preset": asdict(preset),
        "parts": {name: describe_part(scenes) for name, scenes in parts.items()},
        "refused_scenes": len(split.refused),
        "seconds": round(sum(seconds.values()), 1),
        "seconds_by_step": {name: round(value, 1) for name, value in seconds.items()},
        "libraries": {name: version(name) for name in LIBRARIES},
    }


LIBRARIES = ("keras", "tensorflow", "tf2onnx", "onnxruntime", "numpy", "scipy", "sep", "astropy")
