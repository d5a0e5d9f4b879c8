import numpy as np
import onnxruntime as ort
import pytest

from detection import unet
from detection.weights import INPUT, OUTPUT

keras = pytest.importorskip("keras")


@pytest.fixture(scope="module")
def small():
    keras.utils.set_random_seed(1)
    return unet.build_unet(base=2, depth=3)


def stack_of(side, seed=0):
    return np.random.default_rng(seed).normal(0, 1, (1, side, side, 4)).astype(np.float32)


def test_it_maps_any_frame_to_one_probability_per_pixel(small):
    for side in (32, 64, 48):
        result = np.asarray(small(stack_of(side), training=False))
        assert result.shape == (1, side, side, 1)
        assert 0 <= result.min() <= result.max() <= 1


def test_pixels_beyond_the_reach_change_nothing_and_nearer_ones_do(small):
    side, middle = 256, 128
    stack = stack_of(side)
    other = stack.copy()
    other[:, :, middle + unet.reach(3) :] += 5
    one, two = (np.asarray(small(each, training=False))[0, :, :, 0] for each in (stack, other))
    assert np.array_equal(one[:, : middle + 1], two[:, : middle + 1])
    assert not np.array_equal(one[:, middle + 40 :], two[:, middle + 40 :])


def test_an_untrained_network_believes_in_nothing(small):
    assert np.asarray(small(np.zeros((1, 64, 64, 4), np.float32))).max() < 0.1


def test_the_exported_network_gives_the_same_as_keras_at_any_size(small):
    from detection.training import export

    session = ort.InferenceSession(export(small), providers=["CPUExecutionProvider"])
    for side in (32, 72):
        stack = stack_of(side, seed=side)
        served = session.run([OUTPUT], {INPUT: stack})[0]
        assert np.abs(served - np.asarray(small(stack, training=False))).max() < 1e-5
