import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from preprocessing.resampling.correlation import bands, low_frequency_power
from preprocessing.sky.background import estimate_background
from tests.preprocessing.synthetic import add_star, scatter_stars


def unmasked(shape):
    return np.zeros(shape, np.uint16)


def plane(shape, level=400.0, slope=0.02):
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    return level + slope * xx - 0.5 * slope * yy


@pytest.mark.parametrize("shape", [(64, 64), (257, 130), (300, 1000), (1024, 512)])
def test_a_tilted_sky_and_its_noise_are_recovered_on_any_shape(shape):
    truth = plane(shape)
    pixels = truth + np.random.default_rng(3).normal(0, 8.0, shape)
    sky = estimate_background(pixels, unmasked(shape), mesh_px=64)
    # median of a 64 x 64 cell: 1.25 * 8 / 64 = 0.16 ADU; splines run on past the last cells'
    # centres, so corners may be off by ten times that
    assert np.std(sky.level - truth) < 0.3
    assert np.abs(sky.level - truth).max() < 1.6
    assert np.abs(np.median(sky.level - truth)) < 0.25
    # standard error of sigma in one cell: 1 / sqrt(2 * 4096) = 1.1 %; allow 4
    assert np.median(sky.rms) == pytest.approx(8.0, rel=0.045)


def test_the_noise_of_a_large_frame_is_unbiased():
    shape = (1024, 1024)
    pixels = np.random.default_rng(4).normal(400, 8.0, shape)
    sky = estimate_background(pixels, unmasked(shape), mesh_px=128)
    # standard error 1 / sqrt(2 * 1024^2) = 0.07 %, clipping adds as much: allow 0.4 %
    assert np.mean(sky.rms) == pytest.approx(8.0, rel=0.004)
    assert sky.power == 1.0


def test_stars_do_not_lift_the_sky():
    shape, rng = (512, 512), np.random.default_rng(5)
    pixels = plane(shape) + rng.normal(0, 8.0, shape)
    stars = scatter_stars(shape, 150, rng, flux=(500, 2e5), apart=12)
    for star in zip(stars.x, stars.y, stars.flux, strict=True):
        add_star(pixels, *star, 3.5)
    sky = estimate_background(pixels, unmasked(shape), mesh_px=128)
    # 0.05 sigma: the light that 150 Moffat wings leave outside their masks
    assert np.median(sky.level - plane(shape)) == pytest.approx(0, abs=0.4)
    assert np.median(sky.rms) == pytest.approx(8.0, rel=0.02)


def test_the_halo_of_a_bright_star_is_not_sky():
    shape, rng = (512, 512), np.random.default_rng(6)
    yy, xx = np.mgrid[:512, :512]
    halo = 2e5 / (np.hypot(xx - 256, yy - 256) ** 2 + 20**2)
    sky = estimate_background(400 + halo + rng.normal(0, 8.0, shape), unmasked(shape), mesh_px=64)
    ring = np.abs(np.hypot(xx - 256, yy - 256) - 80) < 4
    light = halo[ring].mean()
    # The halo has 29 ADU there, 3.7 sigma. A plain mesh takes 19 for sky.
    assert light > 25
    assert (sky.level[ring] - 400).mean() < 0.5 * light


def test_masked_and_missing_pixels_do_not_count():
    shape = (256, 256)
    pixels = np.random.default_rng(7).normal(400, 8.0, shape)
    mask = unmasked(shape)
    pixels[:, 100:130] = 9e4
    mask[:, 100:130] = 4
    pixels[:40] = np.nan
    sky = estimate_background(pixels, mask, mesh_px=64)
    assert np.isfinite(sky.level).all()
    # one cell's median: 0.16 ADU; allow 5
    assert np.abs(sky.level - 400).max() < 0.8


def test_a_frame_without_a_good_pixel_is_refused():
    with pytest.raises(ValueError, match="all 4096 pixels are masked"):
        estimate_background(np.zeros((64, 64)), unmasked((64, 64)) + 1, mesh_px=64)


def test_a_constant_frame_is_refused():
    with pytest.raises(ValueError, match="equal to 17"):
        estimate_background(np.full((64, 64), 17.0), unmasked((64, 64)), mesh_px=64)


@settings(max_examples=10, deadline=None)
@given(factor=st.sampled_from([0.5, 4.0, 1024.0]), seed=st.integers(0, 99))
def test_sky_and_noise_follow_the_unit(factor, seed):
    pixels = np.random.default_rng(seed).normal(400, 8.0, (128, 128))
    one = estimate_background(pixels, unmasked((128, 128)), mesh_px=64)
    other = estimate_background(factor * pixels, unmasked((128, 128)), mesh_px=64)
    # float32 histograms of sep
    assert np.allclose(other.level, factor * one.level, rtol=1e-4)
    assert np.allclose(other.rms, factor * one.rms, rtol=1e-3)


@settings(max_examples=10, deadline=None)
@given(offset=st.sampled_from([-400.0, 100.0, 3000.0]), seed=st.integers(0, 99))
def test_the_noise_does_not_depend_on_the_sky(offset, seed):
    pixels = np.random.default_rng(seed).normal(400, 8.0, (128, 128))
    one = estimate_background(pixels, unmasked((128, 128)), mesh_px=64)
    other = estimate_background(pixels + offset, unmasked((128, 128)), mesh_px=64)
    # the histogram's bins fall elsewhere, so single pixels are clipped differently
    assert np.allclose(other.rms, one.rms, rtol=5e-3)
    assert np.allclose(other.level, one.level + offset, atol=0.1)


@pytest.mark.parametrize(
    "kernel",
    [
        np.array([[0.5, 0.5]]),
        np.array([[0.25, 0.25], [0.25, 0.25]]),
        np.array([[0.3], [0.7]]),
        np.array([[-0.06, 0.56, 0.56, -0.06]]),
    ],
)
def test_the_noise_power_of_interpolated_noise_is_that_of_the_kernel(kernel):
    white = np.random.default_rng(8).normal(0, 1, (600, 600)).astype(np.float32)
    noise = ndimage.convolve(white, kernel)
    closed_form = kernel.sum() ** 2 / (kernel**2).sum()
    power = low_frequency_power(noise[band] for band in bands(600))
    # 4 lags of an axis less 4 times a far one, over 307 200 pixels half of which count:
    # 2 * sqrt(20 * 1.5 / 307200) = 0.02 of 1 to 2 for each axis; allow 3 of them
    assert power == pytest.approx(closed_form, rel=0.06)


@pytest.mark.parametrize(("order", "shift"), [(1, 0.1), (3, 0.2), (5, 0.5)])
def test_the_noise_power_of_a_spline_is_that_of_its_kernel(order, shift):
    spike = np.zeros((81, 81))
    spike[40, 40] = 1
    kernel = ndimage.shift(spike, (shift, shift), order=order)
    white = np.random.default_rng(8).normal(0, 1, (700, 700)).astype(np.float32)
    noise = ndimage.shift(white, (shift, shift), order=order, mode="mirror")
    power = low_frequency_power(noise[band] for band in bands(700))
    # as above, and the quintic spline's tails beyond 4 px, 2 % an axis
    assert power == pytest.approx(kernel.sum() ** 2 / (kernel**2).sum(), rel=0.08)


@pytest.mark.parametrize("fwhm", [2.2, 3.0, 5.0])
def test_sources_too_faint_to_be_masked_are_no_interpolation(fwhm):
    rng = np.random.default_rng(10)
    sky = (rng.random((600, 600)) < 0.004) * rng.exponential(1.0, (600, 600)) * fwhm**2
    sky = ndimage.gaussian_filter(sky, fwhm / 2.3548)
    # 7 to 3 sources among a hundred beams, of 1 sigma in their peak: confusion
    seen = (sky - np.median(sky) + rng.normal(0, 1, sky.shape)).astype(np.float32)
    assert low_frequency_power(seen[band] for band in bands(600)) == 1.0


def test_independent_noise_has_power_one():
    white = np.random.default_rng(9).normal(0, 1, (600, 600)).astype(np.float32)
    assert low_frequency_power(white[band] for band in bands(600)) == 1.0


def test_a_frame_that_was_not_interpolated_is_known_by_a_part_of_it():
    white = np.random.default_rng(9).normal(0, 1, (2048, 2048)).astype(np.float32)
    seen = []
    power = low_frequency_power(seen.append(band) or white[band] for band in bands(2048))
    assert power == 1.0
    # 3 sigma below no loss is above the least loss from 260 000 pixels on, two bands
    assert len(seen) <= 4 < len(bands(2048))
