"""What errors of a match leave of sources that do not change, by closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from differencing.psf.polynomial import variance_of
from differencing.subtraction.maps import Maps
from differencing.subtraction.match_noise import MatchNoise, derivatives
from differencing.subtraction.model_error import connected, fit_factor, without_change
from differencing.subtraction.optics import TileOptics
from differencing.subtraction.variance import calibrate_variance
from differencing.subtraction.zogy import subtract_tile

SIDE, HALF = 128, 24
WIDTH = 1.6  # px, rms
MIDDLE = np.s_[SIDE // 2 - 8 : SIDE // 2 + 9, SIDE // 2 - 8 : SIDE // 2 + 9]


def gaussian(side, wide, high, *, tilt=0.0):
    """A Gaussian of unit sum; ``tilt`` is the covariance of x and y."""
    offset = np.arange(side) - side // 2
    x, y = offset[None, :], offset[:, None]
    root = wide**2 * high**2 - tilt**2
    shape = (x**2 * high**2 - 2 * x * y * tilt + y**2 * wide**2) / root
    return np.exp(-shape / 2) / (2 * np.pi * np.sqrt(root))


ROUND = gaussian(2 * HALF + 1, WIDTH, WIDTH).astype(np.float32)
OPTICS = TileOptics(ROUND, ROUND, 10.0, 10.0, 1.0, 1.0, 1.0)


def residual(science, **errors):
    """Give what is left of a star that the optics expect to be round and in the middle."""
    reference = gaussian(SIDE, WIDTH, WIDTH).astype(np.float32) * np.float32(1e4)
    products = subtract_tile(
        (1e4 * science).astype(np.float32), reference, replace(OPTICS, **errors)
    )
    return products.score_science - products.score_reference, products.score_reference


def test_three_errors_of_shape_leave_the_predicted_variance():
    error = 0.01
    wider = residual(gaussian(SIDE, WIDTH * (1 + error), WIDTH * (1 + error)))
    # stretched along x and y, and along the diagonals
    stretched = residual(gaussian(SIDE, WIDTH * (1 + error), WIDTH * (1 - error)))
    tilted = residual(gaussian(SIDE, WIDTH, WIDTH, tilt=2 * error * WIDTH**2))
    left = sum(one[0] ** 2 for one in (wider, stretched, tilted))
    noise = MatchNoise(place=0.0, shape=error, width=WIDTH, flux=0.0)
    expected = noise.inside(wider[1], slice(0, SIDE), slice(0, SIDE))
    # second order in 1 %, and derivatives by neighbours of a score of 2.3 px rms: 4 % each
    largest = expected.max()
    np.testing.assert_allclose(left[MIDDLE], expected[MIDDLE], atol=0.12 * largest)
    assert left.max() == pytest.approx(largest, rel=0.1)


def test_an_error_of_place_leaves_the_predicted_variance():
    error = 0.02
    left = sum(
        residual(gaussian(SIDE, WIDTH, WIDTH), shift_x=dx, shift_y=dy)[0] ** 2
        for dx, dy in ((error, 0.0), (0.0, error))
    )
    score = residual(gaussian(SIDE, WIDTH, WIDTH))[1]
    noise = MatchNoise(place=error, shape=0.0, width=WIDTH, flux=0.0)
    expected = noise.inside(score, slice(0, SIDE), slice(0, SIDE))
    # where a score of s = 2.3 px rms is steepest, central differences lose 1 / (3 s^2) = 6 % of
    # its slope, 13 % in square, nearer to the middle half as much again
    np.testing.assert_allclose(left[MIDDLE], expected[MIDDLE], atol=0.2 * expected.max())


def test_an_error_of_the_flux_ratio_leaves_the_predicted_variance():
    error = 0.01
    left, score = residual((1 + error) * gaussian(SIDE, WIDTH, WIDTH))
    noise = MatchNoise(place=0.0, shape=0.0, width=WIDTH, flux=error)
    expected = noise.inside(score, slice(0, SIDE), slice(0, SIDE))
    # float32 rounding of a flux of 1e4, of which 1 % is left
    np.testing.assert_allclose(np.sqrt(expected), np.abs(left), atol=0.01)


def test_derivatives_are_those_of_a_quadratic():
    y, x = np.mgrid[-4:5, -4:5].astype(np.float32)
    steep, bent = derivatives((1.5 * x**2 - 0.5 * y**2 + 2 * x * y + x).astype(np.float32))
    x, y = x[1:-1, 1:-1], y[1:-1, 1:-1]
    # exact but for rounding: differences of a quadratic are its derivatives
    np.testing.assert_allclose(steep, (3 * x + 2 * y + 1) ** 2 + (2 * x - y) ** 2, rtol=1e-5)
    np.testing.assert_allclose(bent, 3**2 + 1**2 + 2 * 2**2, rtol=1e-5)


def uncertain_ratio():
    """A flux ratio known to 2 % in the middle and to 6 % at the left and the right edge."""
    return variance_of(np.diag([0.02, 0.0, 0.06]) ** 2, 1, (40, 50))


def test_a_flux_ratio_counts_where_it_is_uncertain():
    score = np.full((40, 50), 100.0, np.float32)
    noise = MatchNoise(place=0.1, shape=0.05, width=1.5, flux=0.01, ratio=uncertain_ratio())
    variance = noise.inside(score, slice(0, 40), slice(0, 50))
    # light without slopes has no other error; 100^2 (0.01^2 + 0.02^2 + (0.06 u)^2), u = -1 to 1
    u = 2 * np.arange(50) / 50 - 1
    np.testing.assert_allclose(variance, np.tile(5 + 36 * u**2, (40, 1)), rtol=1e-4)


def test_a_window_has_the_variance_of_the_whole_frame():
    score = np.random.default_rng(4).normal(0, 1, (40, 50)).astype(np.float32)
    noise = MatchNoise(place=0.1, shape=0.05, width=1.5, flux=0.002, ratio=uncertain_ratio())
    whole = noise.inside(score, slice(0, 40), slice(0, 50))
    for rows, columns in ((slice(0, 9), slice(30, 50)), (slice(13, 40), slice(0, 7))):
        np.testing.assert_allclose(noise.inside(score, rows, columns), whole[rows, columns])


def test_single_pixels_have_the_variance_of_the_whole_frame():
    score = np.random.default_rng(4).normal(0, 1, (40, 50)).astype(np.float32)
    noise = MatchNoise(place=0.1, shape=0.05, width=1.5, flux=0.002, ratio=uncertain_ratio())
    whole = noise.inside(score, slice(0, 40), slice(0, 50))
    where = np.array([0, 49, 50, 777, 1999])
    np.testing.assert_allclose(noise.at(score, where), whole.reshape(-1)[where], rtol=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_pixels_that_share_sides_are_one_source(share):
    lit = np.random.default_rng(8).random((30, 20)) < share
    count, group = connected(np.flatnonzero(lit), 20)
    labels, expected = ndimage.label(lit)
    assert count == expected
    # the same groups under other numbers
    assert len(set(zip(group, labels[lit], strict=True))) == count


def test_wings_that_are_wrong_far_out_count_ring_by_ring_around_a_bright_star():
    rng = np.random.default_rng(12)
    offset = np.hypot(*(np.indices((SIDE, SIDE)) - SIDE // 2))
    flux = ndimage.gaussian_filter(rng.normal(0, 1.0, (SIDE, SIDE)), WIDTH)
    flux /= flux.std()
    ring = np.abs(offset - 10) <= 1.5
    flux[ring] *= 6.0
    light = 1e5 * (1 + (offset / 3) ** 2) ** -3.0
    maps = Maps(
        difference=np.zeros((SIDE, SIDE), np.float32), flux=flux.astype(np.float32),
        variance=np.ones((SIDE, SIDE), np.float32), reference_flux=light.astype(np.float32),
        is_blank=offset > 30,
    )  # fmt: skip
    exact = MatchNoise(place=0.0, shape=0.0, width=WIDTH, flux=1e-6)
    nothing = np.zeros((SIDE, SIDE), bool)
    calibrate_variance(maps, exact, nothing, nothing)
    error = np.sqrt(maps.variance / np.median(maps.variance[offset > 30]))
    # a ring of 60 px has ten beams: its scatter is known to a quarter; rings are 2 px wide
    assert 3 < np.median(error[ring]) < 9
    assert np.median(error[(offset > 18) & (offset < 30)]) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("factor", [0.5, 9.0])
def test_errors_that_bright_sources_show_are_measured_beside_sources_that_are_off(factor):
    rng = np.random.default_rng(3)
    count = 20000
    photons, expected = np.full(count, 2.0), rng.uniform(0, 20.0, count)
    left = rng.normal(0, np.sqrt(photons + factor * expected))
    left[::50] *= 30.0
    found = fit_factor(left**2 - photons, photons, expected, beam=1.0)
    # a Gaussian cut at 6 times its variance has 14 % less of it once that is settled, photons
    # included, which where they are half of it are a quarter of what is expected; 2 % by chance
    assert 0.7 * factor < found < 1.03 * factor


def test_what_is_expected_stands_where_no_source_is_bright():
    nothing = np.empty(0)
    assert fit_factor(nothing, nothing, nothing, beam=15.0) == 1.0


def test_a_star_that_varies_shows_no_error_of_the_match():
    rng = np.random.default_rng(5)
    source = np.repeat([0, 1], 500)
    known, variance = rng.uniform(50, 200, 1000), np.ones(1000)
    change = np.where(source == 0, 0.3, -0.1) * known
    left, photons = without_change(known, change, variance, source, beam=1.0)
    np.testing.assert_allclose(left, 0.0, atol=1e-9)
    # one parameter of each source takes one pixel's worth of its variance
    np.testing.assert_allclose(np.bincount(source, variance - photons), 1.0)


def test_filled_pixels_count_only_near_themselves():
    light = np.full((64, 64), 1e4, np.float32)
    maps = Maps(
        difference=np.zeros_like(light), flux=np.zeros_like(light),
        variance=np.ones_like(light), reference_flux=light, is_blank=np.zeros(light.shape, bool),
    )  # fmt: skip
    bad = np.zeros((64, 64), bool)
    bad[20, 20:24] = bad[28, 44] = True
    exact = MatchNoise(place=0.0, shape=0.0, width=WIDTH, flux=1e-6)
    calibrate_variance(maps, exact, bad, np.zeros_like(bad))
    near = ndimage.binary_dilation(bad, np.ones((3, 3)), iterations=2)
    # 3 % of the light, and nothing beyond two pixels
    np.testing.assert_allclose(maps.variance[near], 1 + 300.0**2, rtol=1e-3)
    np.testing.assert_allclose(maps.variance[~near], 1.0, rtol=1e-3)
