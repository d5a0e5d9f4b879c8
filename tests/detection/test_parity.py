"""The shipped networks give on ONNX Runtime what TensorFlow gives, on stamps of the real sky.

TensorFlow is the reference: the weights of the shipped file are put into a network that the code
builds anew, so that both the numbers and what is done with them are compared.
"""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from detection import normalise, unet, weights
from detection.card import CLASSIFIER
from detection.classifier import judge_stamps
from detection.ensemble import weigh
from detection.stampnet import network
from detection.stampnet.labelled import labelled
from detection.stampnet.sight import INPUTS, look
from detection.stamps import USUAL_FWHM, matched_significance, read_stamps
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


def filled(model, path):
    """Give a network that the code has built the numbers of an ONNX file.

    The export names its numbers after the layers, and folds every batch normalisation into the
    convolution before it: the kernel is put into the convolution, the bias into a normalisation
    that does nothing else.
    """
    numbers = numbers_by_layer(path)
    for layer in model.layers:
        if not isinstance(layer, WITH_KERNEL):
            continue
        kernel, bias = numbers.pop(layer.name)
        kernel = kernel if kernel.ndim == 2 else kernel.transpose(2, 3, 1, 0)
        if layer.use_bias:
            layer.set_weights([kernel, bias])
            continue
        layer.set_weights([kernel])
        (after,) = layer._outbound_nodes
        batch, one = after.operation, np.ones_like(bias)
        batch.set_weights([one, bias, 0 * one, one - batch.epsilon])
    assert not numbers
    return model


WITH_KERNEL = (keras.layers.Conv2D, keras.layers.Conv2DTranspose, keras.layers.Dense)


def numbers_by_layer(path):
    """Give kernel and bias of every layer that has them, by its name.

    Conv is (out, in, y, x), ConvTranspose (in, out, y, x); Keras has (y, x, in, out) and (y, x,
    out, in): the same exchange for both.
    """
    graph = onnx.load(path).graph
    stored = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    users = {name: node for node in graph.node for name in node.input}
    found = {}
    for node in graph.node:
        if node.op_type in {"Conv", "ConvTranspose", "MatMul"} and node.input[1] in stored:
            given = node.input[2] if len(node.input) > 2 else users[node.output[0]].input[1]
            # "network_1/layer_1/…" or, where that name was taken, "network_1/layer_2_1/…"
            layer = node.input[1].split("/")[1].rpartition("_")[0]
            found[layer] = stored[node.input[1]], stored[given].reshape(-1)
    return found


@pytest.fixture(autouse=True)
def names_begin_anew():
    """Layers are called as they were when the network was exported."""
    keras.utils.clear_session()


def test_the_shipped_unet_gives_what_tensorflow_gives_on_real_stamps(real_stacks):
    shipped = weights.load()
    shape = shipped.card.architecture
    model = filled(unet.build_unet(shape["base"], shape["depth"]), shipped.path)
    expected = np.asarray(model(real_stacks, training=False))
    served = shipped.session.run([OUTPUT], {INPUT: real_stacks})[0]
    assert len(real_stacks) >= 100
    assert served.max() > 0.5
    assert np.abs(served - expected).max() < CLOSE


def test_the_shipped_classifier_gives_what_tensorflow_gives_on_real_stamps():
    shipped = weights.load(weights.SHIPPED[CLASSIFIER])
    stamps = labelled(read_stamps(shared("alerts/real_triplets_dev.npz")))
    views = look(stamps)
    width = shipped.card.training["preset"]["width"]
    model = filled(network.build_ensemble(width), shipped.path)
    asked = [getattr(views, name) for name in INPUTS]
    expected = weigh(
        *(np.asarray(each) for each in model(asked, training=False)), shipped.card.calibration
    )
    served = judge_stamps(shipped, stamps)
    assert (served.fault == "").all()
    assert np.abs(served.confidence - expected.confidence).max() < CLOSE
    assert np.abs(served.uncertainty - expected.uncertainty).max() < CLOSE
    assert np.abs(served.kinds - expected.kinds).max() < CLOSE
    # numbers of order ten
    assert np.abs(served.embedding - expected.embedding).max() < 10 * CLOSE
