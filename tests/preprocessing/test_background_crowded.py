"""Frames on which most pixels hold light, or most are lost."""

import numpy as np
import pytest

from preprocessing.sky.background import (
    estimate_background,
    sky_on_mesh,
    sky_without_sources,
)
from preprocessing.sky.blocks import BLOCK_PX, Blocks
from preprocessing.sky.mesh import Mesh
from preprocessing.sky.tilt import is_held, quadratic
from tests.preprocessing.synthetic import add_star

SKY, NOISE = 180.0, 12.0


def unmasked(shape):
    return np.zeros(shape, np.uint16)


def crowded(side, *, stars_per_mpix, seed):
    """A field of Moffat stars of 40 to 4000 sigma in all, on a flat sky."""
    rng = np.random.default_rng(seed)
    pixels = SKY + rng.normal(0, NOISE, (side, side))
    count = round(stars_per_mpix * side**2 / 1e6)
    x, y = rng.uniform(0, side, (2, count))
    flux = NOISE * np.exp(rng.uniform(np.log(40), np.log(4000), count))
    for star in zip(x, y, flux, strict=True):
        add_star(pixels, *star, 3.2)
    return pixels


def in_blocks(pixels):
    blocks = Blocks.of(pixels.astype(np.float32), np.zeros(pixels.shape, bool))
    return blocks, Mesh.over(blocks.means.shape, cell_px=128, block_px=BLOCK_PX)


def lit_share(pixels):
    return sky_without_sources(*in_blocks(pixels))[1].mean()


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("side", [256, 384, 512])
def test_a_crowded_field_keeps_its_sky_and_noise(side, seed):
    pixels = crowded(side, stars_per_mpix=2000, seed=seed)
    sky = estimate_background(pixels, unmasked(pixels.shape), mesh_px=128)
    # no cell of the mesh has half of its pixels free of stars
    assert lit_share(pixels) > 0.65
    # 4000 pixels of sky in a cell: 0.02 sigma for its median, three times that in the frame's
    # corners, where the spline runs on
    assert np.median(sky.level - SKY) == pytest.approx(0, abs=0.08 * NOISE)
    assert np.abs(sky.level - SKY).max() < 0.25 * NOISE
    # and 1.1 % for sigma, four cells at least
    assert np.median(sky.rms) == pytest.approx(NOISE, rel=0.03)


@pytest.mark.parametrize("side", [64, 96, 128, 200])
def test_a_small_crowded_frame_keeps_its_sky_and_noise(side):
    pixels = crowded(side, stars_per_mpix=2000, seed=side)
    sky = estimate_background(pixels, unmasked(pixels.shape), mesh_px=128)
    assert lit_share(pixels) > 0.5
    # 64 px: about 1000 pixels of sky, 0.04 sigma and 2.2 %; allow four, and 0.1 sigma of wings
    assert np.abs(sky.level - SKY).max() < 0.25 * NOISE
    assert np.median(sky.rms) == pytest.approx(NOISE, rel=0.08)


@pytest.mark.parametrize("centre", [(0.5, 0.5), (0.0, 0.5), (0.1, 0.1)])
@pytest.mark.parametrize(("side", "core"), [(256, 0.1), (512, 0.1), (1024, 0.1), (1024, 0.2)])
def test_one_giant_halo_leaves_the_noise_and_the_sky_beside_it_as_they_are(side, core, centre):
    yy, xx = np.mgrid[:side, :side]
    radius = np.hypot(xx - centre[0] * side, yy - centre[1] * side)
    # 300 sigma in the middle, falling with the fifth power; up to half of the frame above 1 sigma
    halo = 300 * NOISE * (1 + (radius / (core * side)) ** 2) ** -2.5
    clean = halo < 0.25 * NOISE
    assert 0.1 < clean.mean() < 0.9 or centre == (0.5, 0.5)
    pixels = SKY + halo + np.random.default_rng(6).normal(0, NOISE, (side, side))
    sky = estimate_background(pixels, unmasked(pixels.shape), mesh_px=128)
    # blocks below 0.75 sigma are taken for sky: at most that much halo stays in it
    if clean.any():
        assert abs(np.median(sky.level[clean]) - SKY) < 0.4 * NOISE
    assert np.median(sky.rms) == pytest.approx(NOISE, rel=0.06)
    assert sky.rms.min() > 0.5 * NOISE


@pytest.mark.parametrize("share", [0.45, 0.55, 0.8, 0.94])
def test_sky_and_noise_do_not_depend_on_how_many_pixels_are_masked(share):
    rng = np.random.default_rng(12)
    pixels = rng.normal(SKY, NOISE, (256, 256))
    lost = rng.random(pixels.shape) < share
    pixels[lost] = 6e4
    sky = estimate_background(pixels, lost.astype(np.uint16), mesh_px=128)
    # 6 % of a cell of 128 x 128 are 980 pixels: 0.04 sigma for the median, 2.3 % for sigma;
    # allow four of them
    assert np.abs(sky.level - SKY).max() < 0.16 * NOISE
    assert np.abs(sky.rms / NOISE - 1).max() < 0.1


def test_cells_without_sky_take_that_of_the_nearest():
    pixels = np.random.default_rng(13).normal(SKY, NOISE, (256, 512))
    lost = unmasked(pixels.shape)
    lost[:, :384] = 1
    pixels[:, :384] = 6e4
    sky = estimate_background(pixels, lost, mesh_px=128)
    # the tilt is not held over the lost part, so it is not carried there
    assert np.abs(sky.level - SKY).max() < 0.1 * NOISE
    assert np.abs(sky.rms / NOISE - 1).max() < 0.05


def test_a_refinement_that_would_leave_no_sky_is_not_made():
    rng = np.random.default_rng(14)
    pixels = rng.normal(SKY, NOISE, (128, 128))
    # a ripple as fine as the blocks: all of the frame looks lit, in the crests or beside them
    pixels += 40 * NOISE * (np.indices(pixels.shape).sum(axis=0) // 8 % 3 == 0)
    sky = estimate_background(pixels, unmasked(pixels.shape), mesh_px=128)
    blocks, mesh = in_blocks(pixels)
    unlit = np.zeros(blocks.means.shape, bool)
    first = sky_on_mesh(blocks, mesh, unlit, np.zeros(6)).at_pixels(pixels.shape)
    assert np.array_equal(sky.level, first.level)


def test_too_few_good_pixels_to_measure_a_sky_are_refused():
    mask = unmasked((64, 64)) + 1
    mask[:10, :10] = 0
    pixels = np.random.default_rng(15).normal(SKY, NOISE, (64, 64))
    with pytest.raises(ValueError, match="100 of 4096 pixels are good, but no cell"):
        estimate_background(pixels, mask, mesh_px=64)


def test_a_surface_is_held_by_blocks_all_over_the_frame_and_by_no_number_on_one_side():
    rng = np.random.default_rng(16)
    x, y = rng.uniform(0, 1, (2, 400))
    assert is_held(quadratic(x, y))
    # leverage of a corner is about 26 / N for N blocks spread evenly
    assert not is_held(quadratic(x[:12], y[:12]))
    assert not is_held(quadratic(0.3 * x, y))
    assert not is_held(quadratic(x[:0], y[:0]))
