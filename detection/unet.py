"""The network: a small U-Net, from four channels to the probability of a real change.

Plain Keras 3, so that it trains on TensorFlow and on JAX. Keras is imported when a network is
built: serving needs the exported file only.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from detection.normalise import CHANNELS

if TYPE_CHECKING:
    import keras

# What the last layer says before it has seen anything: few pixels belong to a real change.
PRIOR = 0.02


def build_unet(base: int = 8, depth: int = 3) -> "keras.Model":
    """Build an untrained, fully convolutional U-Net.

    Parameters
    ----------
    base : int
        Feature maps at full resolution; they double with every level down.
    depth : int
        Times the resolution is halved. Sides of the input must be multiples of ``2**depth``.

    Returns
    -------
    keras.Model
        (n, ny, nx, 4) to (n, ny, nx, 1) probabilities.

    References
    ----------
    Ronneberger, Fischer & Brox 2015, MICCAI, arXiv:1505.04597.
    """
    import keras

    stack = keras.Input((None, None, len(CHANNELS)), name="stack")
    skips, x = [], stack
    for level in range(depth):
        x = convolve_twice(x, base * 2**level)
        skips.append(x)
        x = keras.layers.MaxPooling2D(2)(x)
    x = convolve_twice(x, base * 2**depth)
    for level in reversed(range(depth)):
        # Conv2DTranspose: bilinear UpSampling2D fails when the graph is traced at another size.
        x = keras.layers.Conv2DTranspose(base * 2**level, 2, strides=2)(x)
        x = keras.layers.Concatenate()([x, skips[level]])
        x = convolve_twice(x, base * 2**level)
    return keras.Model(stack, last_layer(x), name="astrid_unet")


def convolve_twice(x: Any, features: int) -> Any:
    """Two 3x3 convolutions, each normalised over the batch and rectified."""
    import keras

    for _ in range(2):
        x = keras.layers.Conv2D(features, 3, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
        x = keras.layers.ReLU()(x)
    return x


def last_layer(x: Any) -> Any:
    """One probability per pixel."""
    import keras

    bias = keras.initializers.Constant(float(np.log(PRIOR / (1 - PRIOR))))
    return keras.layers.Conv2D(
        1, 1, activation="sigmoid", bias_initializer=bias, name="probability"
    )(x)


def reach(depth: int = 3) -> int:
    """How far, in px, an input pixel can change the output; a multiple of ``2**depth``.

    Two 3x3 convolutions reach 2 px of their own level, on the way down and on the way up:
    4 (1 + 2 + 4 + ...) in all. The coarsest level adds 2 of its pixels, pooling less than one.
    """
    stride: int = 2**depth
    steps = 4 * (stride - 1) + 2 * stride + stride
    return -(-steps // stride) * stride
