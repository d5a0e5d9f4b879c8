import os
import subprocess
import sys

import numpy as np
import pytest

from detection import weights
from detection.calibration import Calibration, fit_calibration
from detection.inference import peak_probability, probability_map, score
from detection.tiles import plan_tiles


@pytest.fixture(scope="module")
def network():
    return weights.load()


def noise_stack(shape, seed=0):
    return np.random.default_rng(seed).normal(0, 0.5, (*shape, 4)).astype(np.float32)


def test_tiles_give_what_the_whole_frame_gives(network):
    stack = noise_stack((200, 232))
    stack[90:96, 120:126] = 3.0
    whole = probability_map(network, stack, tile_px=512)
    tiled = probability_map(network, stack, tile_px=64)
    # float32 sums in another order
    assert np.abs(whole - tiled).max() < 1e-5


@pytest.mark.parametrize("shape", [(32, 32), (33, 61), (100, 259)])
def test_any_frame_of_at_least_32_px_keeps_its_shape(network, shape):
    probability = probability_map(network, noise_stack(shape))
    assert probability.shape == shape
    assert probability.dtype == np.float32
    assert (probability >= 0).all()
    assert (probability <= 1).all()


@pytest.mark.parametrize(
    ("stack", "words"),
    [
        (np.zeros((31, 64, 4), np.float32), "at least 32"),
        (np.zeros((64, 64, 3), np.float32), "not \\(64, 64, 3\\)"),
        (np.full((64, 64, 4), np.nan, np.float32), "finite float32"),
        (np.zeros((64, 64, 4)), "float64"),
    ],
)
def test_stacks_that_the_network_would_misread_are_refused(network, stack, words):
    with pytest.raises(ValueError, match=words):
        probability_map(network, stack)


def test_a_score_is_the_largest_probability_in_five_by_five_pixels():
    probability = np.zeros((40, 50), np.float32)
    probability[10, 20] = 0.8
    x, y = np.array([22.4, 23.0, 20.0]), np.array([8.0, 10.0, 12.6])
    assert peak_probability(probability, x, y).tolist() == pytest.approx([0.8, 0.0, 0.0])


def test_candidates_at_the_border_are_scored():
    probability = np.zeros((40, 50), np.float32)
    probability[0, 0] = probability[39, 49] = 0.5
    corners = np.array([0.0, 49.4]), np.array([-0.4, 39.0])
    assert score(probability, *corners, Calibration()).tolist() == pytest.approx([0.5, 0.5])


def test_candidates_outside_the_frame_are_refused():
    with pytest.raises(ValueError, match="candidate 1 is at"):
        peak_probability(np.zeros((40, 50), np.float32), np.array([1, 50]), np.array([1, 1]))


def test_every_pixel_is_kept_by_exactly_one_tile():
    count = np.zeros((70, 131), int)
    for tile in plan_tiles(count.shape, core=32, margin=8):
        count[tile.core] += 1
        assert count[tile.padded][tile.inner].shape == count[tile.core].shape
    assert (count == 1).all()


@pytest.mark.parametrize(("length", "core"), [(64, 512), (200, 64), (624, 512), (1000, 256)])
def test_tiles_of_a_frame_have_one_shape_and_see_far_enough(length, core):
    margin, stride = 56, 8
    tiles = list(plan_tiles((length, length), core=core, margin=margin, stride=stride))
    assert len({tuple(side.stop - side.start for side in tile.padded) for tile in tiles}) == 1
    for tile in tiles:
        for padded, kept in zip(tile.padded, tile.core, strict=True):
            assert padded.start % stride == 0
            assert kept.start - padded.start >= min(margin, kept.start)
            assert padded.stop - kept.stop >= min(margin, length - kept.stop)


def test_lengths_that_break_the_pooling_grid_are_refused():
    with pytest.raises(ValueError, match="multiples of 8"):
        list(plan_tiles((64, 60), core=32, margin=8, stride=8))


def test_calibration_recovers_the_line_that_made_the_labels():
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 3, 20000)
    is_real = rng.random(20000) < 1 / (1 + np.exp(-(1.7 * logits - 0.6)))
    fitted = fit_calibration(1 / (1 + np.exp(-logits)), is_real)
    # 4 standard errors of a logistic regression on 20000 points
    assert fitted.slope == pytest.approx(1.7, abs=0.12)
    assert fitted.intercept == pytest.approx(-0.6, abs=0.12)


def test_calibration_keeps_the_order_even_at_the_ends():
    p = np.array([0.0, 1e-5, 0.3, 0.999, 0.99999])
    confidence = Calibration(0.5, 2.0)(p)
    assert (np.diff(confidence) > 0).all()
    assert confidence.min() > 0
    assert confidence.max() < 1


def test_calibration_that_turns_the_order_round_is_refused():
    with pytest.raises(ValueError, match="slope must be positive"):
        Calibration(-1.0, 0.0)


def test_serving_never_imports_tensorflow():
    program = (
        "import django, sys; django.setup()\n"
        "import astrid.urls, astrid.pipeline, astrid.celery\n"
        "from django.contrib import admin; admin.autodiscover()\n"
        "import detection.stamps, detection.answering, detection.services, detection.shadow\n"
        "import detection.mirror, detection.promotion, detection.retraining, catalog.tasks\n"
        "detection.weights.load()\n"
        "heavy = {'tensorflow', 'keras', 'mlflow', 'tf2onnx'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "astrid.settings"}
    done = subprocess.run(  # noqa: S603  our own interpreter and program
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
