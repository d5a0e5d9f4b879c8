"""Spread cosmic-ray hits and interpolated frames of the simulator, held to closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import center_of_mass

from observations.simulator import SceneParameters, simulate_pair
from observations.simulator import detector as camera
from observations.simulator.resampling import Move, resample

EMPTY = SceneParameters(
    size=256,
    stars_per_mpix=0,
    galaxies_per_mpix=0,
    transients_per_mpix=0,
    variables_per_mpix=0,
    cosmic_rays_per_mpix=0,
    hot_pixels_per_mpix=0,
    bad_columns_per_mpix=0,
    sky_gradient=0.0,
)


@pytest.mark.parametrize("sigma", [0.05, 0.3, 0.5, 0.7])
def test_diffusion_spreads_charge_as_electrons_that_wander(sigma):
    charges = np.zeros((9, 9))
    charges[4, 4] = 1.0
    spread = camera.diffuse(charges, sigma)
    wandered = np.random.default_rng(1).normal(0, sigma, (2, 400_000))
    electrons, *_ = np.histogram2d(*wandered, bins=np.arange(10) - 4.5)
    # shares of 400 000 electrons: at most 0.0008 each; allow four of them
    np.testing.assert_allclose(spread, electrons / 400_000, atol=0.0032)
    # 3.5 px are 5 sigma of the widest
    assert spread.sum() == pytest.approx(1, abs=2e-6)


def test_diffusion_moves_no_hit_and_keeps_its_charge():
    sharp, broad = np.zeros((2, 400, 400))
    hit = camera.add_cosmic_rays(np.random.default_rng(2), sharp, 40)
    same = camera.add_cosmic_rays(np.random.default_rng(2), broad, 40, diffusion=0.5)
    assert np.array_equal(hit, same)
    # hits at the edge lose what leaves the detector
    assert broad.sum() == pytest.approx(sharp.sum(), rel=0.01)
    assert broad.max() < 0.8 * sharp.max()


@pytest.mark.parametrize("shift", [(0.5, 0.25), (-0.3, 0.1), (0.0, 0.5)])
def test_a_bilinear_move_correlates_noise_as_its_kernel_says(shift):
    taken = simulate_pair(EMPTY, 3).science
    moved = resample(taken, Move(shift, 1), taken.conditions).pixels[2:-2, 2:-2]
    a, b = np.abs(shift)
    variance = ((1 - a) ** 2 + a**2) * ((1 - b) ** 2 + b**2)
    # standard error of a standard deviation of 65 536 pixels is 0.3 %, more for correlated ones
    assert moved.std() == pytest.approx(np.sqrt(variance) * taken.conditions.sky_sigma, rel=0.02)
    noise = moved - moved.mean()
    along = (noise[:, 1:] * noise[:, :-1]).mean() / noise.var()
    # 1 / 256 per lag; allow four
    assert along == pytest.approx(a * (1 - a) / ((1 - a) ** 2 + a**2), abs=0.016)


@pytest.mark.parametrize("dithered", [False, True])
@pytest.mark.parametrize("order", [1, 3])
def test_sources_of_a_moved_frame_are_where_truth_and_wcs_say(order, dithered):
    parameters = replace(
        EMPTY, transients_per_mpix=120, snr_range=(300.0, 301.0), resampling_order=order,
        wcs_error=0.0, distortion=0.0,
    )  # fmt: skip
    pair = simulate_pair(parameters, 4, dithered=dithered)
    x, y = pair.wcs.all_world2pix([s.ra for s in pair.sources], [s.dec for s in pair.sources], 0)
    assert len(pair.sources) >= 4
    truth = np.array([(source.x, source.y) for source in pair.sources])
    np.testing.assert_allclose(np.stack([x, y], 1), truth, atol=1e-3)
    off = np.array([centroid(pair.science.pixels, *place) for place in truth]) - truth
    # S/N 300 gives 0.01 px; wings cut at 5 px pull each to the middle of its pixel, not their mean
    assert np.abs(off.mean(axis=0)).max() < 0.05
    assert np.abs(off).max() < 0.12


def centroid(pixels, x, y):
    top, left = round(y) - 5, round(x) - 5
    box = pixels[top : top + 11, left : left + 11] - np.median(pixels)
    down, along = center_of_mass(box)
    return along + left, down + top


def test_a_moved_frame_flags_all_pixels_that_a_flaw_touched_and_spills_no_charge_of_it():
    taken = simulate_pair(EMPTY, 5).science
    pixels = taken.pixels.copy()
    pixels[100, 50], pixels[30:, 80], pixels[150, 200] = 5e4, 0.0, EMPTY.saturation_adu
    is_bad, is_saturated = np.zeros((2, *pixels.shape), bool)
    is_bad[100, 50] = is_bad[30:, 80] = is_saturated[150, 200] = True
    flawed = replace(taken, pixels=pixels, is_bad=is_bad, is_saturated=is_saturated)
    moved = resample(flawed, Move((0.4, 0.3), 3), taken.conditions)
    assert np.array_equal(np.isnan(moved.pixels), moved.is_bad)
    assert moved.is_bad[100:102, 50:52].all()
    assert moved.is_bad[31:, 80:82].all()
    assert moved.is_bad.sum() == 4 + 2 * (256 - 30)
    assert (moved.pixels[150:152, 200:202] == EMPTY.saturation_adu).all()
    beside = moved.pixels[94:108, 44:86][~moved.is_bad[94:108, 44:86]]
    # the defects rang nowhere: sky to 5 sigma
    sigma = taken.conditions.sky_sigma
    assert np.abs(beside - taken.conditions.sky_adu).max() < 5 * sigma
    assert not moved.is_cosmic.any()


def test_the_same_seed_gives_the_same_moved_pixels():
    parameters = SceneParameters(size=192, resampling_order=3, cosmic_ray_diffusion=0.4)
    one, same = (simulate_pair(parameters, 1, dithered=True) for _ in range(2))
    np.testing.assert_array_equal(one.science.pixels, same.science.pixels)


def test_impossible_flaws_are_refused_with_the_reason():
    with pytest.raises(ValueError, match=r"cosmic_ray_diffusion is 0\.9 px; it must be from 0"):
        SceneParameters(cosmic_ray_diffusion=0.9)
    with pytest.raises(ValueError, match="resampling_order is 2; it must be one of"):
        SceneParameters(resampling_order=2)
