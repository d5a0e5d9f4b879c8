"""The shipped networks give on ONNX Runtime what TensorFlow gives, on stamps of the real sky.

TensorFlow is the reference: the weights of the shipped file are put into a network that the code
builds anew, so that both the numbers and what is done with them are compared.
"""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from detection import normalise, unet, weights
from detection.stamps import USUAL_FWHM, matched_significance
from detection.weights import INPUT, OUTPUT
from tests.shared_data import shared

keras = pytest.importorskip("keras")

# What the issue of serving asks for; float32 sums of 64 channels in another order stay far below.
CLOSE = 1e-5
SIDE = 64  # of the stamps, with a masked border: a multiple of the network's stride


@pytest.fixture(scope="module")
def real_stacks():
    """Real stamps as the U-Net sees them."""
    with np.load(shared("alerts/real_triplets_dev.npz")) as file:
        triplets, fwhm = file["x"], file["fwhm"]
    stacks = np.zeros((len(triplets), SIDE, SIDE, 4), np.float32)
    side = triplets.shape[-1]
    for stack, planes, seeing in zip(stacks, triplets, fwhm, strict=True):
        usable = np.isfinite(planes).all(axis=0)
        width = seeing if np.isfinite(seeing) else USUAL_FWHM
        significance = matched_significance(planes[2], usable, width)
        stack[:side, :side] = normalise.channels(*planes, significance, ~usable)
    return stacks


def filled_unet(card, path):
    """Build the U-Net in Keras and give it the numbers of the ONNX file.

    The export has folded every batch normalisation into the convolution before it: its kernel is
    put into the convolution, its bias into a normalisation that does nothing else.
    """
    model = unet.build_unet(card.architecture["base"], card.architecture["depth"])
    convolved = iter(convolutions(path))
    layers = iter(model.layers)
    for layer in layers:
        if not isinstance(layer, keras.layers.Conv2D | keras.layers.Conv2DTranspose):
            continue
        kernel, bias = next(convolved)
        if layer.use_bias:
            layer.set_weights([kernel, bias])
            continue
        layer.set_weights([kernel])
        batch = next(each for each in layers if isinstance(each, keras.layers.BatchNormalization))
        one = np.ones_like(bias)
        batch.set_weights([one, bias, 0 * one, one - batch.epsilon])
    assert next(convolved, None) is None
    return model


def convolutions(path):
    """Give kernel and bias of every convolution in their order, the axes as Keras has them."""
    graph = onnx.load(path).graph
    numbers = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    for node in graph.node:
        if node.op_type in {"Conv", "ConvTranspose"}:
            kernel, bias = (numbers[name] for name in node.input[1:])
            # Conv is (out, in, y, x), ConvTranspose (in, out, y, x); Keras has (y, x, in, out)
            # and (y, x, out, in): the same exchange for both
            yield kernel.transpose(2, 3, 1, 0), bias


def test_the_shipped_unet_gives_what_tensorflow_gives_on_real_stamps(real_stacks):
    shipped = weights.load()
    model = filled_unet(shipped.card, shipped.path)
    expected = np.asarray(model(real_stacks, training=False))
    served = shipped.session.run([OUTPUT], {INPUT: real_stacks})[0]
    assert len(real_stacks) >= 100
    assert served.max() > 0.5
    assert np.abs(served - expected).max() < CLOSE
