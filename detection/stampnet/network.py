"""The stamp network: three small members that see the same stamp and answer apart.

Plain Keras 3. Keras is imported when a network is built: serving needs the exported file only.
"""

from typing import TYPE_CHECKING, Any

from detection import weights
from detection.stampnet.context import HISTORY
from detection.stampnet.sight import INPUTS
from detection.stampnet.stamps import CLASSES

if TYPE_CHECKING:
    import keras

MEMBERS = 3
EMBEDDING = 48
DROPOUT = 0.25
OUTPUTS = (weights.REAL, weights.CLASS, weights.EMBEDDING)


def build_ensemble(width: int = 16) -> "keras.Model":
    """Build three untrained members side by side.

    Parameters
    ----------
    width : int
        Feature maps of the first layer.

    Returns
    -------
    keras.Model
        From fovea, periphery and context to the log odds of being real, (n, 3); the log odds of
        the classes among real ones, (n, 3 members, 3 classes); and the first member's embedding,
        (n, 48).

    References
    ----------
    Lakshminarayanan, Pritzel & Blundell 2017, NeurIPS, arXiv:1612.01474 (deep ensembles);
    Duev et al. 2019, MNRAS 489, 3582 (stamps of three planes).
    """
    import keras
    from keras import layers

    inputs = [keras.Input(shape, name=name) for name, shape in INPUTS.items()]
    near, far = stem(inputs[0], 3 * width // 2), stem(inputs[1], 3 * width // 4)
    members = [member(near, far, inputs[2], width) for _ in range(MEMBERS)]
    real = layers.Concatenate(name=weights.REAL)([found[0] for found in members])
    kinds = layers.Concatenate(axis=1)(
        [layers.Reshape((1, len(CLASSES)))(found[1]) for found in members]
    )
    kinds = layers.Identity(name=weights.CLASS)(kinds)
    embedding = layers.Identity(name=weights.EMBEDDING)(members[0][2])
    return keras.Model(inputs, [real, kinds, embedding], name="astrid_stamps")


def stem(x: Any, features: int) -> Any:
    """Give the first layer, at full resolution the dearest, which the members share."""
    from keras import layers

    x = layers.Conv2D(features, 3, padding="same", activation="relu")(x)
    return layers.MaxPooling2D(2, padding="same")(x)


def member(near: Any, far: Any, context: Any, width: int) -> tuple[Any, Any, Any]:
    """One member: log odds of being real, of the classes, and what it has made of the stamp."""
    from keras import layers

    facts = layers.Dense(width, activation="relu")(context[:, :-HISTORY])
    seen = layers.Concatenate()(
        [
            convolved(near, (3 * width // 2,) * 2, (2 * width,) * 2),
            convolved(far, (width,), (3 * width // 2,)),
            facts,
        ]
    )
    seen = layers.Dropout(DROPOUT)(seen)
    embedding = layers.Dense(EMBEDDING, activation="relu")(seen)
    thought = layers.Dropout(DROPOUT)(embedding)
    real = layers.Dense(1)(thought)
    kinds = layers.Dense(24, activation="relu")(layers.Concatenate()([thought, context]))
    return real, layers.Dense(len(CLASSES))(kinds), embedding


def convolved(x: Any, *levels: tuple[int, ...]) -> Any:
    """Convolve level by level, halving the resolution between, and describe the whole.

    The mean says what is there, the largest value that it is there at all; the flattened last
    level says where.
    """
    from keras import layers

    for number, features in enumerate(levels):
        if number:
            x = layers.MaxPooling2D(2, padding="same")(x)
        for count in features:
            x = layers.Conv2D(count, 3, padding="same", use_bias=False)(x)
            x = layers.BatchNormalization(momentum=0.9)(x)
            x = layers.ReLU()(x)
    compact = layers.Conv2D(8, 1, activation="relu")(x)
    return layers.Concatenate()(
        [
            layers.GlobalAveragePooling2D()(x),
            layers.GlobalMaxPooling2D()(x),
            layers.Flatten()(compact),
        ]
    )
