"""The background that is left between two frames, on skies whose shape is known."""

from dataclasses import replace

import numpy as np
import pytest

from differencing.parameters import DifferenceParameters
from differencing.subtraction.images import fill_holes
from differencing.subtraction.prepare import Plane
from differencing.subtraction.remainder import remainder
from differencing.subtraction.subtract import subtract
from preprocessing.masks import MaskBit
from tests.differencing import sky

SHAPE = (640, 704)
MESH = DifferenceParameters().remainder_mesh
NOISE = np.hypot(sky.SCIENCE.noise, sky.REFERENCE.noise)
# The score weighs a beam of some 40 px, so that a level of 0.04 in noise of a pixel shifts it by
# 0.25 sigma.
LEAST_SEEN = 0.04
CORNERS = [np.s_[:50, :50], np.s_[:50, -50:], np.s_[-50:, :50], np.s_[-50:, -50:]]
STRIPS = [np.s_[:50], np.s_[-50:], np.s_[:, :50], np.s_[:, -50:]]


def curved(shape):
    """A tilted sky, ADU, that curves most in one corner."""
    y, x = np.mgrid[: shape[0], : shape[1]] / np.array(shape)[:, None, None]
    return 40 * x + 24 * y + 0.5 * NOISE * np.cos(7 * x * y)


TRUTH = curved(SHAPE)


def planes(rng, between, mask=None):
    """Two frames without stars that differ by ``between`` and their noise."""
    frames = [
        sky.frame(rng.normal(0, seen.noise, SHAPE), seen, mask)
        for seen in (sky.SCIENCE, sky.REFERENCE)
    ]
    science = replace(frames[0], pixels=(frames[0].pixels + between).astype(np.float32))
    return Plane.of(science, "science"), Plane.of(frames[1], "reference")


def errors(truth, mask=None):
    """What the background is off by, of eight pairs with different noise."""
    for seed in range(8):
        found = remainder(planes(np.random.default_rng(seed), truth, mask), 1.0, mesh=MESH)
        yield found.whole() - truth


def test_curved_sky_is_followed_into_the_corners_and_along_the_edges():
    off = np.array([[np.median(one[part]) for part in CORNERS + STRIPS] for one in errors(TRUTH)])
    assert np.abs(off.mean(axis=0)).max() < LEAST_SEEN * NOISE
    # a corner of 50 px knows its own level to 0.02, and of 64 values none is beyond four sigma
    assert np.abs(off).max() < 0.08 * NOISE


@pytest.mark.parametrize("width", [60, 200])
def test_curved_sky_is_followed_to_the_edges_of_a_narrow_overlap(width):
    mask = np.zeros(SHAPE, np.uint16)
    mask[:, :-width] = int(MaskBit.NO_DATA)
    seen = [one[:, -width:] for one in errors(TRUTH, mask)]
    off = np.array([[np.median(one[part]) for part in CORNERS + STRIPS] for one in seen])
    assert np.abs(off.mean(axis=0)).max() < LEAST_SEEN * NOISE
    assert np.abs(off).max() < 0.08 * NOISE


def test_noise_alone_leaves_hardly_any_background():
    found = remainder(planes(np.random.default_rng(5), 0.0), 1.0, mesh=MESH).whole()
    # a cell of 48 x 48 px knows its level to 1/48; the surface must not be worse, edges included
    assert np.sqrt(np.mean(found**2)) < NOISE / MESH


def test_a_bright_source_in_a_cell_does_not_lift_the_background():
    light = np.zeros(SHAPE)
    light[300:340, 300:340] = 20 * NOISE
    rng = np.random.default_rng(6)
    found = remainder(planes(rng, light), 1.0, mesh=MESH).whole()
    assert abs(np.median(found[300:340, 300:340])) < LEAST_SEEN * NOISE


def test_stars_of_two_psfs_do_not_lift_the_background():
    means = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        stars = sky.star_field(SHAPE, 600, rng, brightest=3e4)
        science, reference = (
            Plane.of(sky.observe(SHAPE, seen, stars, rng), "frame")
            for seen in (sky.SCIENCE, sky.REFERENCE)
        )
        found = remainder((science, reference), sky.SCIENCE.scale, mesh=MESH)
        means.append(float(found.whole().mean()))
    # the mean of a frame is known to 0.002 of the noise; what stars leave outside of their bright
    # cores is some times that, and was 0.01 where their cores were clipped only
    assert abs(np.mean(means)) < 0.005 * NOISE


def test_overlap_of_one_corner_does_not_run_away():
    mask = np.full(SHAPE, int(MaskBit.NO_DATA), np.uint16)
    mask[:70, :70] = 0
    found = remainder(planes(np.random.default_rng(7), 30.0, mask), 1.0, mesh=MESH).whole()
    assert np.isfinite(found).all()
    assert abs(np.median(found[:70, :70]) - 30) < LEAST_SEEN * NOISE


def test_holes_hold_nothing_once_the_background_is_taken_away():
    mask = np.zeros(SHAPE, np.uint16)
    mask[:, 300:] = int(MaskBit.NO_DATA)
    both = planes(np.random.default_rng(8), TRUTH, mask)
    ratio = 0.8
    science, reference = fill_holes(both, ratio, remainder(both, ratio, mesh=MESH))
    left = science.whole() - np.float32(ratio) * reference.whole()
    # a rounding of the level of the sky
    assert np.abs(left[:, 300:]).max() < 1e-3


def test_score_has_no_level_at_the_edges_of_a_pair_with_a_curved_sky():
    rng = np.random.default_rng(9)
    stars = sky.star_field(SHAPE, 400, rng, brightest=3e4)
    science, reference = (
        sky.observe(SHAPE, seen, stars, rng) for seen in (sky.SCIENCE, sky.REFERENCE)
    )
    science = replace(science, pixels=(science.pixels + TRUTH).astype(np.float32))
    score = subtract(science, reference, DifferenceParameters()).significance
    # strips hold 800 beams; the median of a corner, of 60 beams, scatters by 0.16
    assert max(abs(np.nanmedian(score[part])) for part in STRIPS) < 0.25
    assert max(abs(np.nanmedian(score[part])) for part in CORNERS) < 0.5
