import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preprocessing.masks import MaskBit, build_mask
from tests.preprocessing.synthetic import add_star


def sky(shape=(200, 220), sigma=5.0, seed=1):
    return np.random.default_rng(seed).normal(100.0, sigma, shape)


def has(mask, bit):
    return (mask & bit) != 0


def test_nothing_is_masked_in_blank_sky():
    # 10 sigma of 44 000 pixels: chance 1e-19
    assert not build_mask(sky(), saturation=6e4).any()


def test_pixels_that_are_not_finite_have_no_data():
    pixels = sky()
    pixels[3, 4], pixels[5, 6] = np.nan, np.inf
    mask = build_mask(pixels, saturation=6e4)
    assert sorted(zip(*np.nonzero(mask), strict=True)) == [(3, 4), (5, 6)]
    assert has(mask, MaskBit.NO_DATA).sum() == 2


@pytest.mark.parametrize("value", [0.0, 5000.0, 100.0])
@pytest.mark.parametrize("turned", [False, True])
def test_a_stuck_part_of_a_column_or_row_is_bad(value, turned):
    pixels = sky()
    pixels[80:, 50] = value
    mask = build_mask(pixels.T if turned else pixels, saturation=6e4)
    bad = has(mask.T if turned else mask, MaskBit.BAD_PIXEL)
    assert bad[80:, 50].all()
    # a neighbour in the same row may join by chance of equal value only: none
    assert bad.sum() == 120


@pytest.mark.parametrize("turned", [False, True])
def test_a_stuck_run_of_eight_is_found_wherever_it_begins_and_none_of_seven(turned):
    pixels = sky()
    stuck = np.zeros(pixels.shape, bool)
    for step, column in enumerate(range(10, 210, 5)):
        stuck[step : step + 8, column] = stuck[192 - step : 200 - step, column] = True
        pixels[step : step + 8, column] = pixels[192 - step : 200 - step, column] = 100.0 + step
        # one pixel too short to be no chance
        pixels[100:107, column] = 50.0 + step
    mask = build_mask(pixels.T if turned else pixels, saturation=6e4)
    bad = has(mask.T if turned else mask, MaskBit.BAD_PIXEL)
    assert bad[stuck].all()
    assert not bad[60:140].any()


def test_a_noisy_bright_column_is_bad():
    pixels = sky((256, 200))
    pixels[:, 70] += 30
    bad = has(build_mask(pixels, saturation=6e4), MaskBit.BAD_PIXEL)
    assert bad[:, 70].all()
    assert bad.sum() == 256


def test_hot_and_dead_pixels_are_bad_and_a_sharp_star_is_not():
    pixels = sky()
    pixels[30, 40] += 400
    pixels[90, 100] = 0
    # FWHM 1.5 px, centred on a pixel: as sharp as optics and pixels allow
    add_star(pixels, 150.0, 60.0, 2e4, 1.5, beta=None)
    bad = has(build_mask(pixels, saturation=6e4), MaskBit.BAD_PIXEL)
    assert sorted(zip(*np.nonzero(bad), strict=True)) == [(30, 40), (90, 100)]


def test_coarsely_digitised_sky_is_not_stuck():
    # half of all neighbours are equal: runs of 8 are everywhere
    assert not build_mask(np.rint(sky(sigma=0.5)), saturation=6e4).any()


def test_coarse_counts_over_uneven_columns_are_no_bad_lines():
    # as in SDSS: whole counts, then a flat field and a sky that differ by column
    rng = np.random.default_rng(2)
    counts = np.rint(rng.normal(100.0, 2.0, (256, 300)))
    pixels = 0.005 * counts * rng.normal(1.0, 0.005, 300)
    bad = has(build_mask(pixels - 0.3 * pixels.mean(), saturation=np.inf), MaskBit.BAD_PIXEL)
    assert not bad.any()


def test_saturation_grows_with_the_core_and_not_with_the_trail():
    pixels = sky((300, 300))
    yy, xx = np.mgrid[:300, :300]
    pixels[np.hypot(xx - 150, yy - 150) <= 8] = 6e4
    pixels[60:240, 149:152] = 6e4
    mask = build_mask(pixels, saturation=6e4)
    spoiled = mask != 0
    assert has(mask, MaskBit.SATURATED)[150, 150]
    # core: 8 px, as much again, and 2 px of margin
    assert spoiled[150, 150 - 17]
    assert not spoiled[150, 150 - 21]
    # trail: 3 px wide and 2 px of margin on each side; 4 px more at its ends
    assert spoiled[80, 147]
    assert not spoiled[80, 145]
    assert spoiled[56, 150]
    assert not spoiled[50, 150]


def test_a_larger_core_grows_further():
    def grown(radius):
        pixels = sky((200, 200))
        yy, xx = np.mgrid[:200, :200]
        pixels[np.hypot(xx - 100, yy - 100) <= radius] = 6e4
        return has(build_mask(pixels, saturation=6e4), MaskBit.GROWN)[100].sum()

    assert grown(3) < grown(6) < grown(12)


def test_a_core_at_the_border_is_grown_inside_only():
    pixels = sky((100, 100))
    pixels[:5, :5] = 6e4
    spoiled = build_mask(pixels, saturation=6e4) != 0
    assert spoiled[8, 2]
    assert not spoiled[40:, 40:].any()


@pytest.mark.parametrize("saturation", [0.0, -1.0, np.nan])
def test_a_saturation_level_that_cannot_be_is_refused(saturation):
    with pytest.raises(ValueError, match="saturation is"):
        build_mask(sky(), saturation=saturation)


def test_a_cube_is_refused():
    with pytest.raises(ValueError, match="choose one image plane"):
        build_mask(np.zeros((2, 50, 50)), saturation=6e4)


@settings(max_examples=15, deadline=None)
@given(factor=st.sampled_from([0.25, 2.0, 64.0]), seed=st.integers(0, 1000))
def test_the_unit_of_the_pixels_does_not_matter(factor, seed):
    pixels = sky((96, 80), seed=seed)
    pixels[20:90, 30] = 0
    pixels[50, 60] += 300
    pixels[10:14, 60:64] = 6e4
    # powers of two scale exactly
    assert np.array_equal(
        build_mask(pixels, saturation=6e4), build_mask(factor * pixels, saturation=factor * 6e4)
    )


@settings(max_examples=15, deadline=None)
@given(down=st.integers(0, 30), right=st.integers(0, 30))
def test_defects_move_with_the_frame(down, right):
    pixels = sky((128, 128))
    pixels[40, 50] += 400
    pixels[60:64, 60:64] = 6e4
    window = pixels[down : down + 96, right : right + 96]
    whole = build_mask(pixels, saturation=6e4)[down : down + 96, right : right + 96]
    assert np.array_equal(build_mask(window, saturation=6e4), whole)
