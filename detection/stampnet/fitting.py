"""Fit the ensemble: batches turned and mirrored, each member with its own draw of the data."""

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from detection.stampnet.network import MEMBERS, build_ensemble
from detection.stampnet.sight import Views
from detection.stampnet.stamps import ARTIFACT, CLASSES, UNKNOWN, Stamps
from detection.training import make_deterministic

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

BATCH = 256
# Labels are not all true, and nobody is ever quite sure: Szegedy et al. 2016, arXiv:1512.00567.
SMOOTHING = 0.02
CLASS_SHARE = 0.3  # of the loss
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-4


def fit(views: Views, stamps: Stamps, *, seed: int, epochs: int, width: int = 16) -> "keras.Model":
    """Fit a fresh ensemble.

    Parameters
    ----------
    views : Views
        Of ``stamps``.
    stamps : Stamps
        Labels and weights; their pixels are not read.

    References
    ----------
    Loshchilov & Hutter 2019, ICLR, arXiv:1711.05101 (AdamW); the rate falls as a cosine.
    """
    import keras

    keras.utils.clear_session()
    make_deterministic(seed)
    rng = np.random.default_rng([seed, 3])
    model = build_ensemble(width)
    steps = epochs * -(-len(views) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY)
    model.compile(optimizer, loss=[real_loss, class_loss, None], loss_weights=[1, CLASS_SHARE, 0])
    is_real, kinds = targets(stamps, rng)
    for epoch in range(epochs):
        order = rng.permutation(len(views))
        inputs = turned(views.chosen(order), rng)
        truth = [is_real[order], kinds[order]]
        history = model.fit(inputs, truth, batch_size=BATCH, shuffle=False, verbose=0)
        logger.info("epoch %d: loss %.5f", epoch + 1, history.history["loss"][0])
    return model


def targets(
    stamps: Stamps, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give what the heads should say, each with the weight for each member.

    Members differ by their draw of the stamps (Poisson weights, the online bootstrap) besides
    their first weights.

    Returns
    -------
    (n, 2, members) float32 array
        Label and weight.
    (n, 4, members) float32 array
        One-hot class and weight, which is 0 where the class is not known.
    """
    drawn = rng.poisson(3.0, (len(stamps), MEMBERS)) / 3.0 * stamps.weight[:, None]
    label = np.clip(stamps.is_real, SMOOTHING, 1 - SMOOTHING)
    real = np.stack([np.repeat(label[:, None], MEMBERS, axis=1), drawn], axis=1)
    balance = np.zeros(len(stamps))
    for name in CLASSES:
        balance[stamps.kind == name] = share_of(stamps, name)
    columns = [np.repeat((stamps.kind == name)[:, None], MEMBERS, axis=1) for name in CLASSES]
    kinds = np.stack([*columns, drawn * balance[:, None]], axis=1)
    return real.astype(np.float32), kinds.astype(np.float32)


def share_of(stamps: Stamps, name: str) -> float:
    """Give the weight by which a class counts as much as every other, 0 if there is none."""
    known = (stamps.kind != ARTIFACT) & (stamps.kind != UNKNOWN)
    counted = float(stamps.weight[stamps.kind == name].sum())
    return float(stamps.weight[known].sum()) / (len(CLASSES) * counted) if counted else 0.0


def turned(views: Views, rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """Turn and mirror stamps, each batch in its own way."""
    fovea, periphery = views.fovea.copy(), views.periphery.copy()
    for start in range(0, len(views), BATCH // 8):
        part = slice(start, start + BATCH // 8)
        quarter, mirror = int(rng.integers(4)), bool(rng.integers(2))
        for images in (fovea, periphery):
            whole = np.rot90(images[part], quarter, axes=(1, 2))
            images[part] = whole[:, :, ::-1] if mirror else whole
    return {"fovea": fovea, "periphery": periphery, "context": views.context}


def real_loss(truth: Any, odds: Any) -> Any:
    """Cross-entropy of the log odds of being real; ``truth`` is label and weight per member."""
    from keras import ops

    label, weight = truth[:, 0], truth[:, 1]
    loss = ops.softplus(odds) - label * odds
    return ops.sum(weight * loss) / (ops.sum(weight) + 1e-6)


def class_loss(truth: Any, odds: Any) -> Any:
    """Cross-entropy of the classes, where the class is known."""
    from keras import ops

    label, weight = ops.transpose(truth[:, :3], (0, 2, 1)), truth[:, 3]
    chosen = ops.sum(label * ops.log_softmax(odds, axis=-1), axis=-1)
    return -ops.sum(weight * chosen) / (ops.sum(weight) + 1e-6)
