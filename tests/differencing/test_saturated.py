import numpy as np
import pytest

from differencing.extraction.extract import extract
from differencing.parameters import DifferenceParameters
from differencing.psf.saturated import core_places
from differencing.psf.stamps import cut_stamps
from differencing.subtraction.subtract import subtract
from preprocessing.masks import MaskBit
from tests.differencing import sky

SHAPE = (300, 320)
FULL = 30_000.0  # ADU


def saturate(frame, bleed=0):
    """Cut a frame off at full well, with bleed trails, and mask what was cut."""
    full = frame.pixels > FULL
    for row, column in np.argwhere(full):
        full[max(row - bleed, 0) : row + bleed + 1, column] = True
    frame.pixels[full] = FULL
    frame.mask[full] |= np.uint16(MaskBit.SATURATED)
    return full


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(71)
    stars = sky.star_field(SHAPE, 110, rng, brightest=1e5)
    bright = np.array([[90.3, 100.6, 1.2e6], [230.7, 190.2, 8e5]])
    stars = stars[(np.hypot(*(stars[:, None, :2] - bright[:, :2]).T) > 40).all(axis=0)]
    frames = [
        sky.observe(SHAPE, kind, np.vstack([stars, bright]), rng)
        for kind in (sky.SCIENCE, sky.REFERENCE)
    ]
    return *frames, [saturate(frame, bleed=12) for frame in frames], bright


def test_a_saturated_star_leaves_nothing_beside_it(pair):
    science, reference, _, bright = pair
    difference = subtract(science, reference, DifferenceParameters())
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    for star_x, star_y, _ in bright:
        distance = np.hypot(x - star_x, y - star_y)
        around = (distance > 7) & (distance < 14) & (difference.mask == 0)
        # 7 px from it the star still has 50 sigma per pixel; of its wings the PSF, from 15 stars of
        # a tenth of its light, misses some per cent, which the error of the flux has to cover
        assert difference.significance[around].std() < 2.5
        found = extract(difference, science, reference, threshold=5.0)
        beside = found[np.hypot(found["x"] - star_x, found["y"] - star_y) < 20]
        assert beside["near_bright_star"].all()
        assert (beside["significance"] < 8).all()


def test_the_middle_of_a_bleeding_star_is_its_core(pair):
    _, _, full, bright = pair
    places = core_places(full[1])
    assert len(places) == len(bright)
    for (x, y), star in zip(sorted(places), sorted(bright.tolist()), strict=True):
        # whole pixels, and trails may join the core unevenly
        assert np.hypot(x - star[0], y - star[1]) < 1.5


def test_a_bad_column_at_the_rim_does_not_reach_into_a_stamp():
    image = np.zeros((60, 60))
    sky.place(image, 1e4 * sky.moffat(3.0, 0.0, 0.4, -0.3, 20), 30, 30)
    clean = cut_stamps(
        image, np.zeros(image.shape, bool), np.array([30.4]), np.array([29.7]), half=12
    )
    bad = np.zeros(image.shape, bool)
    bad[:, 44] = True
    spoiled = cut_stamps(
        np.where(bad, 5000.0, image), bad, np.array([30.4]), np.array([29.7]), half=12
    )
    # the column held 5000; what takes its place differs from the truth by less than 1
    np.testing.assert_allclose(spoiled.pixels[spoiled.good], clean.pixels[spoiled.good], atol=1.0)
