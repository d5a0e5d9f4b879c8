from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from preprocessing.astrometry.matching import Smooth
from preprocessing.astrometry.registration import Registration
from preprocessing.astrometry.transform import wcs_transform
from preprocessing.masks import MaskBit
from preprocessing.resampling.resample import fill_false_light, resample
from preprocessing.stars import find_stars
from tests.preprocessing.synthetic import add_star, frame_of, profile, sip_wcs, tan_wcs, with_mask

SHAPE = (256, 300)


def registered(transform, wcs, *, identity=False):
    """A registration as the mapping alone makes it."""
    figures = {"residual_rms_px": 0.0, "residual_rms_arcsec": 0.0, "first_rms_px": 0.0}
    none = Smooth(-1, np.zeros((0, 2)), 0.0, np.ones(9, bool), 0.0)
    return Registration(
        transform=transform, is_by_wcs=True, n_stars=9, smooth=none, quality=1.0, overlap=1.0,
        flux_ratio=1.0, is_identity=identity, grid_wcs=wcs, **figures,
    )  # fmt: skip


def shifted(dx, dy, shape=SHAPE):
    wcs = tan_wcs(shape)
    return registered(wcs_transform(wcs, shape, wcs, shape).moved(dx, dy), wcs)


def by_wcs(grid, science, shape=SHAPE, science_shape=SHAPE):
    return registered(wcs_transform(grid, shape, science, science_shape), grid)


def white(shape=SHAPE, seed=1, sigma=10.0):
    return np.random.default_rng(seed).normal(0, sigma, shape)


def matched_sigma(pixels, fwhm):
    """Scatter of flux / noise of a matched filter for a Gaussian, where the frame has data."""
    line = profile(np.arange(-12.0, 13.0), 0.0, fwhm, None)
    line /= line.sum()
    seen = ndimage.correlate1d(ndimage.correlate1d(pixels, line, axis=0), line, axis=1)
    return np.nanstd(seen[20:-20, 20:-20]) / (line**2).sum()


def moved_star(fwhm, dx, dy):
    """The sum and the star of a frame before and after a shift, without noise."""
    pixels = np.zeros((96, 96))
    add_star(pixels, 48.3, 47.6, 1e5, fwhm)
    frame = frame_of(pixels, wcs=tan_wcs(pixels.shape), noise=1.0)
    moved = resample(frame, shifted(dx, dy, pixels.shape), pixels.shape)
    sums = [np.nansum(f.pixels[8:-8, 8:-8]) for f in (frame, moved)]
    stars = [find_stars(f.pixels, f.noise, frame.mask)[0] for f in (frame, moved)]
    return sums, stars


@settings(max_examples=12, deadline=None)
@given(dx=st.floats(-3, 3), dy=st.floats(-3, 3), fwhm=st.floats(2.5, 5.0))
def test_a_shift_keeps_flux_position_and_width(dx, dy, fwhm):
    sums, (before, after) = moved_star(fwhm, dx, dy)
    # the kernel's weights add up to 1 but for float32 rounding; wings are cut alike
    assert sums[1] == pytest.approx(sums[0], rel=1e-6)
    assert after["x"] - before["x"] == pytest.approx(-dx, abs=0.005)
    assert after["y"] - before["y"] == pytest.approx(-dy, abs=0.005)
    assert after["flux"] == pytest.approx(before["flux"], rel=0.002)
    # up to 0.5 % at 2.5 px by a scan of shifts: the window samples few pixels
    assert after["fwhm"] == pytest.approx(before["fwhm"], rel=0.008)


def test_an_undersampled_star_keeps_its_flux_and_place():
    # FWHM 2 px: there is power beyond the Nyquist frequency, which no kernel can move; it shows
    # in the flux of the core, while the sum stays
    sums, (before, after) = moved_star(2.0, 0.5, -0.5)
    assert sums[1] == pytest.approx(sums[0], rel=1e-6)
    assert after["x"] - before["x"] == pytest.approx(-0.5, abs=0.01)
    assert after["flux"] == pytest.approx(before["flux"], rel=0.01)
    assert after["fwhm"] == pytest.approx(before["fwhm"], rel=0.01)


@pytest.mark.parametrize(("scale", "tolerance"), [(0.3, 0.002), (0.4, 0.002), (0.8, 0.002)])
def test_flux_is_kept_on_finer_and_coarser_grids(scale, tolerance):
    pixels = np.zeros(SHAPE)
    for x, y in ((120.2, 100.7), (180.5, 150.1), (150.9, 130.3)):
        add_star(pixels, x, y, 1e5, 3.2)
    frame = frame_of(pixels, wcs=tan_wcs(SHAPE, rotation_deg=7))
    side = round(400 * 0.4 / scale)
    moved = resample(
        frame,
        by_wcs(tan_wcs((side, side), scale=scale), frame.wcs, (side, side)),
        (side, side),
    )
    assert np.nansum(moved.pixels) == pytest.approx(pixels.sum(), rel=tolerance)


@pytest.mark.parametrize("fwhm", [2.0, 2.7, 3.4, 5.0])
def test_a_matched_filter_sees_the_noise_that_is_stated(fwhm):
    frame = frame_of(white(), wcs=tan_wcs(SHAPE, rotation_deg=0.3))
    moved = resample(frame, by_wcs(tan_wcs(SHAPE), frame.wcs), SHAPE)
    # the same noise before and after: only what the kernel does remains, and pixels at the border
    native = matched_sigma(frame.pixels, fwhm)
    inner = moved.pixels[10:-10, 10:-10]
    assert matched_sigma(inner, fwhm) == pytest.approx(native, rel=0.012)
    assert np.median(moved.noise) == pytest.approx(10.0, rel=1e-4)
    # single pixels scatter less, which is why their scatter is not what is stated
    assert np.std(inner) < 9.6


@pytest.mark.parametrize("scale", [0.2, 0.3, 0.6, 0.8])
def test_the_stated_noise_holds_on_finer_and_coarser_grids(scale):
    shape = (500, 500)
    frame = frame_of(white(shape), wcs=tan_wcs(shape, rotation_deg=4))
    side = round(420 * 0.4 / scale)
    grid = tan_wcs((side, side), scale=scale)
    moved = resample(frame, by_wcs(grid, frame.wcs, (side, side), shape), (side, side))
    assert np.median(moved.noise) == pytest.approx(10.0 * scale / 0.4, rel=1e-4)
    seen = matched_sigma(moved.pixels, 3.4 * 0.4 / min(scale, 0.4))
    # some 170^2 / 20 independent places on the coarsest grid: 2 %; allow 3
    assert seen == pytest.approx(np.median(moved.noise), rel=0.06)


def test_sky_outside_the_frame_is_missing():
    frame = frame_of(white(), wcs=tan_wcs(SHAPE))
    moved = resample(frame, shifted(20.3, 0.0), SHAPE)
    missing = (moved.mask & MaskBit.NO_DATA) != 0
    # science x = grid x + 20.3 <= 299.5 ends at grid pixel 279
    assert not missing[:, :280].any()
    assert missing[:, 280:].all()
    assert np.array_equal(np.isnan(moved.pixels), missing)
    assert ((moved.mask[:, 277:280] & MaskBit.EDGE) != 0).all()
    assert not moved.mask[10:-10, :270].any()


def test_bits_spread_over_the_footprint_and_no_further():
    mask = np.zeros(SHAPE)
    mask[100, 120], mask[50, 60] = MaskBit.SATURATED, MaskBit.NO_DATA
    pixels = white()
    pixels[50, 60] = np.nan
    frame = with_mask(frame_of(pixels, wcs=tan_wcs(SHAPE)), mask)
    moved = resample(frame, shifted(0.4, 0.4), SHAPE).mask
    saturated = np.argwhere(moved & MaskBit.SATURATED)
    assert saturated.min(axis=0).tolist() == [98, 118]
    assert saturated.max(axis=0).tolist() == [102, 122]
    assert np.argwhere(moved & MaskBit.NO_DATA).tolist() == [[50, 60]]
    assert ((moved[48:53, 58:63] & MaskBit.EDGE) != 0).all()


def test_defects_do_not_ring():
    pixels = white()
    spoiled, mask = pixels.copy(), np.zeros(SHAPE)
    for where in (np.s_[:, 150], np.s_[80, 60]):
        spoiled[where], mask[where] = 5e4, MaskBit.BAD_PIXEL
    wcs = tan_wcs(SHAPE)
    move = shifted(0.5, 0.5)
    clean = resample(frame_of(pixels, wcs=wcs), move, SHAPE)
    moved = resample(with_mask(frame_of(spoiled, wcs=wcs), mask), move, SHAPE)
    good = moved.mask == 0
    # 5e4 ADU would leave 3000 ADU at the edge of the footprint; what fills the gap differs from the
    # lost pixel by the noise of 10 ADU, and the kernel has 0.1 of its peak there
    assert np.abs(moved.pixels - clean.pixels)[good].max() < 6.0


@settings(max_examples=10, deadline=None)
@given(dx=st.floats(-2, 2), dy=st.floats(-2, 2), light=st.sampled_from([1e2, 1e4, 1e6]))
def test_a_marked_cosmic_ray_leaves_nothing_outside_its_footprint(dx, dy, light):
    pixels, mask = white(), np.zeros(SHAPE)
    track = np.array([100 + np.arange(9), 120 + np.arange(9) // 2])
    mask[tuple(track)] = MaskBit.COSMIC_RAY
    hit = pixels.copy()
    hit[tuple(track)] += light
    clean, struck = (
        resample(with_mask(frame_of(one, wcs=tan_wcs(SHAPE)), mask), shifted(dx, dy), SHAPE)
        for one in (pixels, hit)
    )
    # the struck pixels are filled from their neighbours: what hit them counts for nothing
    assert np.allclose(clean.pixels, struck.pixels, rtol=0, atol=1e-3, equal_nan=True)
    marked = (struck.mask & MaskBit.COSMIC_RAY) != 0
    native = resample(frame_of(pixels, wcs=tan_wcs(SHAPE)), shifted(dx, dy), SHAPE)
    beyond = np.abs(native.pixels - struck.pixels)[~marked & np.isfinite(native.pixels)]
    # beyond 2 px the spline weighs a pixel with at most 0.13, filled in with an error of 10 to 30
    # ADU: a fraction of the noise, which is 10 ADU
    assert beyond.max() < 6
    assert np.sqrt((beyond**2).mean()) < 0.05
    # 9 pixels of a slanted track, 2 px more on every side
    assert 60 <= marked.sum() <= 110


def test_the_identity_interpolates_nothing():
    frame = frame_of(white(), wcs=tan_wcs(SHAPE))
    same = resample(frame, replace(shifted(0.0, 0.0), is_identity=True), SHAPE)
    assert same.pixels is frame.pixels
    assert same.mask is frame.mask


def test_flux_is_kept_where_a_distortion_stretches_pixels():
    science = sip_wcs(SHAPE, strength=2e-6)
    pixels = np.zeros(SHAPE)
    places = [(40.3, 40.6), (150.2, 128.9), (260.4, 215.7)]
    for x, y in places:
        add_star(pixels, x, y, 1e5, 3.2, half=15)
    frame = frame_of(pixels, wcs=science)
    grid = tan_wcs(SHAPE)
    moved = resample(frame, by_wcs(grid, science), SHAPE)
    for place in places:
        column, row = (
            grid.all_world2pix(science.all_pix2world([place], 0), 0)[0].round().astype(int)
        )
        box = moved.pixels[row - 25 : row + 26, column - 25 : column + 26]
        stamp = pixels[int(place[1]) - 16 :, int(place[0]) - 16 :][:34, :34]
        # pixels there are up to 9 % larger: without the area flux would be that much off
        assert np.nansum(box) == pytest.approx(stamp.sum(), rel=0.002)


def test_filling_leaves_good_pixels_alone():
    pixels, mask = white().astype(np.float32), np.zeros(SHAPE, np.uint16)
    mask[10:60, 10:60] = MaskBit.NO_DATA
    pixels[mask != 0] = np.nan
    filled = fill_false_light(pixels, mask)
    assert np.array_equal(filled[mask == 0], pixels[mask == 0])
    assert np.isfinite(filled).all()
    assert filled[35, 35] == 0


def test_a_saturation_level_follows_the_area():
    frame = frame_of(white(), wcs=tan_wcs(SHAPE, scale=0.4))
    grid = tan_wcs(SHAPE, scale=0.2)
    moved = resample(frame, by_wcs(grid, frame.wcs), SHAPE)
    assert moved.saturation == pytest.approx(60000 / 4, rel=1e-4)
