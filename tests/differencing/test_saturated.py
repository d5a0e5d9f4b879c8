import numpy as np
import pytest

from differencing.extraction.extract import extract
from differencing.extraction.flags import is_flagged
from differencing.parameters import DifferenceParameters
from differencing.psf import looks
from differencing.psf.saturated import core_places
from differencing.psf.stamps import cut_stamps, shift_matrices
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


@pytest.mark.parametrize("flux", [5e4, 1e6])
def test_what_the_light_of_a_star_beyond_the_edge_leaves_is_flagged(flux):
    rng = np.random.default_rng(72)
    edge = np.array([[-6, 60], [-3, 150], [325, 80], [321, 200], [100, -4], [80, 302], [200, 297]])
    edge = np.column_stack([edge, np.full(len(edge), flux)])
    stars = sky.star_field(SHAPE, 110, rng, brightest=1e5)
    stars = stars[(np.hypot(*(stars[:, None, :2] - edge[:, :2]).T) > 40).all(axis=0)]
    science, reference = (
        sky.observe(SHAPE, kind, np.vstack([stars, edge]), rng)
        for kind in (sky.SCIENCE, sky.REFERENCE)
    )
    for frame in (science, reference):
        saturate(frame, bleed=12)
    found = extract(
        subtract(science, reference, DifferenceParameters()), science, reference, threshold=5.0
    )
    place = np.column_stack([found["x"], found["y"]])
    beside = (np.hypot(*(place[:, None] - edge[:, :2]).T) < 25).any(axis=0)
    # two PSFs whose other half is unknown cannot be made alike
    assert beside.sum() > 2
    assert is_flagged(found[beside]).all()


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


def test_stars_are_painted_alike_one_by_one_and_together(pair, monkeypatch):
    science, reference, _, _ = pair
    together = subtract(science, reference, DifferenceParameters())
    monkeypatch.setattr(looks, "GROUP", 1)
    alone = subtract(science, reference, DifferenceParameters())
    np.testing.assert_array_equal(together.significance, alone.significance)


def test_a_stamp_beyond_the_frame_has_no_good_pixel_there():
    image = np.full((40, 50), 7.0, np.float32)
    stamps = cut_stamps(
        image, np.zeros(image.shape, bool), np.array([1.0, 25.0]), np.array([20.0, 38.0]), half=6
    )
    # one more pixel is lost: those beyond the frame are mixed into it
    assert not stamps.good[0, :, :6].any()
    assert stamps.good[0, :, 6:].all()
    assert stamps.good[1, :7].all()
    assert not stamps.good[1, 7:].any()
    np.testing.assert_allclose(stamps.pixels[stamps.good], 7.0, rtol=1e-6)  # single precision


@pytest.mark.parametrize("distance", [0.0, 1e-9, 0.3, -0.5, 2.0])
def test_a_shift_moves_a_wave_and_its_slope_exactly(distance):
    step = np.arange(21)
    wave = 2 * np.pi * 4 / 21
    column = np.cos(wave * step + 0.4)
    moved, slope = (
        shift_matrices(np.array([distance]), 21, derivative=steep)[0] @ column
        for steep in (False, True)
    )
    # sums of 21 terms of about 1, in double precision; cancellation takes a few digits of slopes
    np.testing.assert_allclose(moved, np.cos(wave * (step + distance) + 0.4), atol=1e-13)
    np.testing.assert_allclose(slope, -wave * np.sin(wave * (step + distance) + 0.4), atol=1e-7)
