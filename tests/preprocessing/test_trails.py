"""Trails are found from their geometry alone, wherever they cross and however faint."""

import numpy as np
import pytest

from preprocessing.quality.cells import cells_of, unevenness
from preprocessing.quality.radon import line_sums
from preprocessing.quality.trails import find_trails
from tests.preprocessing.synthetic import add_star

SHAPE = (600, 800)
THRESHOLD = 6.5


def starry(seed=0, count=300, shape=SHAPE):
    """White noise of 1 with stars up to 10 000 times as bright."""
    rng = np.random.default_rng(seed)
    pixels = rng.normal(0, 1, shape)
    for flux in np.exp(rng.uniform(*np.log((100, 1e5)), count)):
        add_star(pixels, rng.uniform(0, shape[1]), rng.uniform(0, shape[0]), flux, 3.0)
    return pixels.astype(np.float32)


def distance(angle_deg, through, shape=SHAPE):
    """Distance of every pixel from a line."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    angle = np.radians(angle_deg)
    return (x - through[0]) * np.sin(angle) - (y - through[1]) * np.cos(angle)


def trails_in(pixels, mask=None):
    noise = np.ones_like(pixels)
    mask = np.zeros(pixels.shape, np.uint16) if mask is None else mask
    return find_trails(pixels, noise, mask, cells_of(pixels, noise, mask), threshold=THRESHOLD)


@pytest.mark.parametrize("angle", [0, 12, 44, 60, 90, 101, 135, 170])
@pytest.mark.parametrize("peak", [1.0, 30.0])
def test_a_trail_is_masked_from_end_to_end_at_any_angle(angle, peak):
    across = distance(angle, (390, 310))
    pixels = starry() + np.float32(peak) * np.exp(-0.5 * (across / 1.5) ** 2).astype(np.float32)
    found = trails_in(pixels)
    core = np.abs(across) < 3
    assert found[core].mean() > 0.98
    # nothing farther from it than the 24 px that are searched across
    assert not found[np.abs(across) > 26].any()
    assert found.sum() < 25 * max(SHAPE) * 1.3


def test_two_crossing_trails_are_both_masked():
    lines = [distance(20, (400, 300)), distance(110, (300, 200))]
    light = sum(5 * np.exp(-0.5 * (across / 1.5) ** 2) for across in lines)
    found = trails_in(starry(1) + light.astype(np.float32))
    assert all(found[np.abs(across) < 3].mean() > 0.98 for across in lines)


@pytest.mark.parametrize("seed", range(6))
def test_stars_alone_make_no_trail(seed):
    assert not trails_in(starry(seed, count=600)).any()


def test_a_galaxy_seen_edge_on_and_spikes_of_a_star_are_no_trails():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    along, across = (x - 400) + (y - 300) * 0.5, (y - 300) - (x - 400) * 0.5
    galaxy = 50 * np.exp(-np.abs(along) / 60 - np.abs(across) / 3)
    spikes = 100 * np.exp(-np.abs(x - 200) / 40 - np.abs(y - 150) / 1.5)
    assert not trails_in(starry(2) + (galaxy + spikes).astype(np.float32)).any()


def test_masked_pixels_make_no_trail():
    pixels = starry(3)
    mask = np.zeros(SHAPE, np.uint16)
    pixels[:, 300:304], mask[:, 300:304] = 1e4, 4
    pixels[100], mask[100] = np.nan, 1
    assert not trails_in(pixels, mask).any()


def test_frames_too_small_for_a_trail_have_none():
    assert not trails_in(starry(4, count=3, shape=(100, 900))).any()


@pytest.mark.parametrize("shape", [(16, 16), (13, 29), (40, 8)])
def test_sums_along_lines_hold_every_pixel_once_per_slope(shape):
    image = np.random.default_rng(5).normal(size=shape).astype(np.float32)
    for sums, _ in line_sums(image):
        # lines of one slope part the image among them; float32 sums of 500 numbers
        assert np.allclose(sums.sum(axis=1), image.sum(), atol=1e-3)


def test_the_brightest_sum_names_the_line_that_was_drawn():
    image = np.zeros((64, 50), np.float32)
    for y in range(64):
        image[y, round(5 + 0.5 * y)] = 1
    best = max(
        (float(sums.max()), quadrant.line(*np.unravel_index(sums.argmax(), sums.shape)))
        for sums, quadrant in line_sums(image)
        if not quadrant.is_transposed
    )[1]
    assert (best.y0, best.y1) == (0, 63)
    # to the pixel: the line of the sums is drawn in whole pixels
    assert (best.x0, best.x1) == pytest.approx((5, 36.5), abs=1)


def test_unevenness_is_that_of_the_sky():
    rng = np.random.default_rng(6)
    noise, mask = np.ones((1024, 1024), np.float32), np.zeros((1024, 1024), np.uint16)
    even = rng.normal(size=mask.shape).astype(np.float32)
    y, x = np.mgrid[:1024, :1024]
    waves = np.sqrt(2) * 0.5 * np.sin(2 * np.pi * x / 256) * np.sin(2 * np.pi * y / 256) * 2**0.5
    uneven = unevenness(cells_of(even + waves.astype(np.float32), noise, mask))
    # 1000 blocks of scatter 0.04: the scatter itself is known to 3 %, its excess to 0.014
    assert unevenness(cells_of(even, noise, mask)) < 0.02
    # a product of sines with rms 0.5; its median absolute deviation is narrower than a Gaussian's
    assert 0.25 < uneven < 0.55
