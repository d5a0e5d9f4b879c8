import numpy as np
import pytest

from preprocessing.hits import fall_of, find_cosmics
from tests.differencing.sky import moffat, place, spread_out

SHAPE = (300, 320)
NOISE = np.full(SHAPE, 10.0, np.float32)
PSF = moffat(2.7, 0.0, 0, 0, 16)


def mark(image):
    return find_cosmics(image.astype(np.float32), NOISE, fall=fall_of(PSF), gain=2.0)


def test_every_pixel_of_a_slanted_track_is_marked():
    rng = np.random.default_rng(91)
    hit = np.zeros(SHAPE, bool)
    for angle in np.linspace(0.1, 3.0, 40):
        row, column = rng.integers(30, 270, 2)
        for step in range(14):
            hit[int(row + step * np.sin(angle)), int(column + step * np.cos(angle))] = True
    # 30 to 140 sigma: a pixel between two brighter ones falls off as slowly as a star
    image = rng.normal(0, 10, SHAPE) + hit * np.exp(rng.uniform(np.log(300), np.log(1400), SHAPE))
    marked = mark(image)
    # where tracks cross some pixels are surrounded
    assert (hit & ~marked).sum() <= 0.01 * hit.sum()


@pytest.mark.parametrize("fwhm", [2.7, 3.5])
def test_stars_are_no_cosmic_rays(fwhm):
    rng = np.random.default_rng(92)
    image = rng.normal(0, 10, SHAPE)
    for x, y in spread_out(SHAPE, 60, rng, np.zeros((0, 2)), gap=20.0):
        flux = np.exp(rng.uniform(np.log(1e3), np.log(5e5)))
        column, row = round(x), round(y)
        light = flux * moffat(fwhm, 0.0, x - column, y - row, 16)
        place(image, light, column, row)
    image += rng.normal(size=SHAPE) * np.sqrt(np.maximum(image, 0) / 2.0)
    # 10^5 pixels and 60 stars: seeds are one in 5 * 10^7 looks at noise
    assert not mark(image).any()


def test_a_hit_on_the_side_of_a_star_is_marked_and_the_star_is_not():
    rng = np.random.default_rng(93)
    image = rng.normal(0, 10, SHAPE)
    place(image, 2e4 * PSF, 150, 150)
    image[152:155, 153] += 3000.0
    marked = mark(image)
    assert marked[152:155, 153].all()
    assert not marked[149:152, 149:152].any()
