"""What changes within a tile, shift, flux ratio and PSFs, is taken up to first order."""

from dataclasses import replace

import numpy as np
import pytest

from differencing.psf.match import FrameMatch
from differencing.psf.polynomial import Polynomial
from differencing.subtraction.maps import subtract_tiles
from differencing.subtraction.register import register
from differencing.subtraction.tiles import plan_tiles, whole_frame
from tests.differencing import sky
from tests.differencing.test_oracle import model_of, pair_of
from tests.differencing.test_zogy import OPTICS, normalised

SHAPE = (300, 360)
STILL = Polynomial(np.zeros(1), 0, SHAPE)
MATCHED = FrameMatch(STILL, STILL, 0.0, 1.0, 0.0, 0.0, 9)
Y, X = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)


def sloping(across):
    """From -``across`` at the left edge of the frame to ``across`` at the right one."""
    return Polynomial(np.array([0.0, 0.0, across]), 1, SHAPE)


def along(across):
    return across * (2 * X / SHAPE[1] - 1)


@pytest.mark.parametrize("core", [400, 150])
def test_a_change_from_the_middle_of_a_tile_times_the_derivatives_is_taken_away(core):
    image = (X**2 / 20 + Y**2 / 50 + X * Y / 30).astype(np.float32)
    derivatives = X / 10 + Y / 30, Y / 25 + X / 30, 1 / 10, 1 / 25, 1 / 30
    across = 0.04, 0.03, 0.5, -0.3, 0.2
    matched = replace(MATCHED, shift_x=sloping(across[0]), shift_y=sloping(across[1]))
    bends = tuple(sloping(each) for each in across[2:])
    for tile in plan_tiles(SHAPE, core=core, border=16):
        moved = register(tile.square(image), tile, matched, bends)[tile.inner]
        x = tile.centre[0]
        change = along(1.0)[tile.core] - (2 * x / SHAPE[1] - 1)
        expected = image.astype(float)[tile.core]
        for each, derivative in zip(across, derivatives, strict=True):
            expected -= each * change * (derivative + 0 * X)[tile.core]
        inner = np.s_[1:-1, 1:-1]  # beyond the frame there is no derivative
        # float32 values up to 13,000: rounding is 1e-3
        np.testing.assert_allclose(moved[inner], expected[inner], atol=5e-3)


def test_a_flux_ratio_that_changes_scales_the_reference():
    image = np.full(SHAPE, 100.0, np.float32)
    tile = whole_frame(SHAPE)
    matched = replace(MATCHED, flux_change=sloping(0.02))
    moved = register(tile.square(image), tile, matched)[tile.inner]
    np.testing.assert_allclose(moved, 100 * (1 + along(0.02)), rtol=1e-6)


def stars_and_models():
    """Noiseless stars seen with PSFs that widen, or become elongated, to the right."""
    optics = normalised(OPTICS)
    ends = [
        [sky.moffat(fwhm, stretch, 0, 0, 16) for fwhm, stretch in both]
        for both in (((3.3, 0.0), (3.7, 0.06)), ((2.9, 0.05), (2.8, 0.0)))
    ]
    models = tuple(
        model_of([(a + b) / 2 / a.sum(), 0 * a, (b / b.sum() - a / a.sum()) / 2], SHAPE)
        for a, b in ends
    )
    rows, columns = (grid.ravel() for grid in np.mgrid[40:280:40, 30:350:40])
    images = []
    for model, ratio in zip(models, (optics.flux_ratio, 1.0), strict=True):
        image = np.zeros(SHAPE)
        for stamp, row, column in zip(model.many(columns, rows), rows, columns, strict=True):
            sky.place(image, 1e4 * ratio * stamp, column, row)
        images.append(image.astype(np.float32))
    return optics, models, images, (rows, columns)


def test_stars_vanish_in_a_tile_over_which_the_ratio_of_the_psfs_changes():
    optics, models, images, stars = stars_and_models()
    pair, plain = (pair_of(*images, optics, models) for _ in range(2))
    vars(plain)["bends"] = ()
    left = {}
    for name, each in (("bent", pair), ("plain", plain)):
        maps = subtract_tiles(each, core=max(SHAPE))
        left[name] = [np.abs(image[stars]).mean() for image in (maps.flux, maps.difference)]
    # a PSF wider by 6 % each way leaves that share of a star; what is left is of second order,
    # and what a Moffat profile has beyond the derivatives
    assert left["bent"][0] < 0.2 * left["plain"][0]
    assert left["bent"][1] < 0.35 * left["plain"][1]
    assert left["plain"][0] > 0.02 * 1e4 * optics.flux_ratio
