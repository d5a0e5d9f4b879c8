import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection import normalise


@pytest.fixture
def images():
    rng = np.random.default_rng(5)
    return [rng.normal(level, sigma, (64, 80)) for level, sigma in ((100, 3), (7, 0.5), (0, 2))]


def stack_of(images, mask=None, significance=None):
    shape = images[0].shape
    significance = np.zeros(shape) if significance is None else significance
    return normalise.channels(*images, significance, np.zeros(shape) if mask is None else mask)


def test_a_pixel_of_known_significance_gets_the_documented_value(images):
    images[0][10, 20] = 100 + 3 * 10
    value = stack_of(images)[10, 20, 0]
    # level and sigma of 5120 pixels are good to 2 %, so a 10 sigma pixel to 0.3 sigma
    assert value == pytest.approx(np.arcsinh(10 / 2) / 2, abs=0.03)


def test_significance_goes_in_without_another_noise_estimate(images):
    significance = np.full((64, 80), 6.0)
    assert np.allclose(stack_of(images, significance=significance)[..., 3], np.arcsinh(2.0) / 2)


@settings(max_examples=20, deadline=None)
@given(
    gain=st.floats(1e-3, 1e3),
    sky=st.floats(-1e3, 1e3),
)
def test_neither_units_nor_sky_level_matter(gain, sky):
    images = [np.random.default_rng(seed).normal(0, 1, (40, 40)) for seed in range(3)]
    other = [image * gain + sky * gain for image in images]
    # float64 rounding of a sky 1000 sigma high leaves 1e-13 of a sigma
    assert np.allclose(stack_of(images), stack_of(other), atol=1e-6)


def test_masked_and_missing_pixels_are_zero_and_change_nothing_else(images):
    plain = stack_of(images)
    images[1][3, 4] = np.nan
    mask = np.zeros((64, 80), np.uint16)
    mask[5, 6] = 8
    images[0][5, 6] = 1e9
    stack = stack_of(images, mask)
    assert not stack[3, 4].any()
    assert not stack[5, 6].any()
    usable = np.ones((64, 80), bool)
    usable[3, 4] = usable[5, 6] = False
    # two pixels of 5120 move a median by less than 1e-3 sigma
    assert np.allclose(stack[usable], plain[usable], atol=2e-3)


def test_sources_on_a_third_of_the_frame_do_not_change_the_noise():
    rng = np.random.default_rng(2)
    image = rng.normal(50, 4, (200, 200))
    image[:60] += rng.exponential(400, (60, 200))
    level, sigma = normalise.sky_of(image, np.ones(image.shape, bool))
    # sources merging with the noise remain: a tenth of a sigma is the documented use
    assert level == pytest.approx(50, abs=0.8)
    assert sigma == pytest.approx(4, rel=0.1)


def test_everything_stays_within_the_limit(images):
    images[0][0, 0], images[2][0, 0] = 1e30, -1e30
    stack = stack_of(images)
    assert stack.dtype == np.float32
    assert np.abs(stack).max() == normalise.LIMIT


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda images: images[0].fill(np.nan), "none of the 5120 pixels"),
        (lambda images: images[0].fill(3.0), "equal 3"),
    ],
)
def test_frames_without_sky_are_refused(images, change, words):
    change(images)
    with pytest.raises(ValueError, match=words):
        stack_of(images)


def test_frames_of_different_shapes_are_refused(images):
    with pytest.raises(ValueError, match="share one 2-D shape"):
        normalise.channels(*images, np.zeros((3, 3)), np.zeros((64, 80)))
