"""Frames combined: truth is the sky that was photographed, the noise that was drawn."""

from dataclasses import replace

import numpy as np
import pytest
import sep

from preprocessing.masks import MaskBit
from preprocessing.parameters import PreprocessParameters, StackParameters
from preprocessing.photometry.magnitudes import System, ZeroPoint, ZeroPointSource
from preprocessing.prepare import onto_grid
from preprocessing.stacking import combine
from preprocessing.stacking.scaling import Scale, common_zero_point, point_source_weights
from preprocessing.stacking.stack import stack
from tests.preprocessing import synthetic

SHAPE = (360, 420)
WCS = synthetic.tan_wcs(SHAPE)
SEEING = (3.0, 3.3, 4.5, 2.7, 3.0, 3.6)
DEFAULTS = StackParameters()


def field(count=60, flux=(3e3, 2e5)):
    return synthetic.scatter_stars(SHAPE, count, np.random.default_rng(5), flux=flux)


def exposures(sky, seeing=SEEING, *, scales=None, noise=10.0):
    """One frame per seeing; ``scales`` dim its stars as clouds do."""
    scales = scales or [1.0] * len(seeing)
    return [
        synthetic.expose(
            synthetic.Sky(sky.x, sky.y, sky.flux * scale),
            SHAPE,
            wcs=WCS,
            fwhm=fwhm,
            seed=seed,
            noise=noise,
        )
        for seed, (fwhm, scale) in enumerate(zip(seeing, scales, strict=True))
    ]


def apertures(frame, sky, radius):
    return sep.sum_circle(np.nan_to_num(frame.pixels), sky.x, sky.y, radius)[0]


def with_pixels(frame, change):
    pixels = frame.pixels.copy()
    change(pixels)
    return replace(frame, pixels=pixels)


def with_bit(frame, bit, where):
    mask = frame.mask.copy()
    mask[where] |= np.uint16(bit)
    return replace(frame, mask=mask)


def test_the_noise_of_equal_frames_falls_with_the_root_of_their_number():
    sky = field()
    blank = stars_apart(sky)
    for count in (2, 4, 9):
        made = stack(exposures(sky, [3.0] * count), DEFAULTS)
        assert np.median(made.frame.noise) == pytest.approx(10 / count**0.5, rel=0.01)
        # 10^5 independent pixels: the scatter is known to 0.3 %, allow 4 of them
        assert made.frame.pixels[blank].std() * count**0.5 == pytest.approx(10, rel=0.012)


def stars_apart(sky, radius=20):
    """Pixels further than ``radius`` from any star."""
    rows, columns = np.indices(SHAPE)
    nearest = np.min(
        [(columns - x) ** 2 + (rows - y) ** 2 for x, y in zip(sky.x, sky.y, strict=True)], axis=0
    )
    return nearest > radius**2


def test_stars_keep_their_flux_under_changing_seeing_and_clouds():
    sky = field()
    scales = [1.0, 0.7, 0.9, 1.2, 0.5, 1.0]
    made = stack(exposures(sky, scales=scales), DEFAULTS)
    found = np.array([scale.factor for scale in made.scales])
    # 60 stars, each compared to 1 % by the floor: 0.13 %; allow 3 of them
    np.testing.assert_allclose(found * scales, 1, atol=0.004)
    bright = sky.flux > 3e4
    kept = apertures(made.frame, sky, 20)[bright] / sky.flux[bright]
    # add_star cuts its wings in a box of 20 px: the circle inside holds all but 0.1 %
    assert np.median(kept) == pytest.approx(1, abs=0.003)


def test_no_star_is_clipped_whatever_the_seeing():
    sky = field(flux=(2e4, 1e6))
    made = stack(exposures(sky), DEFAULTS)
    near = ~stars_apart(sky, radius=8)
    # at 4 sigma one value in 16,000 is clipped by chance: two or three of 6 x 12,000
    assert (made.coverage[near] < len(SEEING)).mean() < 2e-3
    assert made.coverage[~near].mean() == pytest.approx(len(SEEING), abs=0.01)


def test_two_frames_of_other_seeing_keep_their_stars_and_lose_a_cosmic_ray():
    sky = field()
    sharp, wide = exposures(sky, (2.6, 4.2))

    def hit(pixels):
        pixels[50, 60:64] += 400

    made = stack([with_pixels(sharp, hit), wide], DEFAULTS)
    assert (made.coverage[50, 60:64] == 1).all()
    scaled = wide.pixels[50, 60:64] * made.scales[1].factor
    np.testing.assert_allclose(made.frame.pixels[50, 60:64], scaled, rtol=1e-5)
    bright = sky.flux > 3e4
    # the two scales alone are uncertain by 0.13 %
    assert np.median(apertures(made.frame, sky, 20)[bright] / sky.flux[bright]) == pytest.approx(
        1, abs=0.003
    )


def test_cosmic_rays_satellites_and_movers_vanish():
    sky = field()
    frames = exposures(sky)
    clean = stack(frames, DEFAULTS).frame.pixels
    rng = np.random.default_rng(8)
    spots = rng.integers(5, 350, (40, 2))

    def rays(pixels):
        pixels[spots[:, 0], spots[:, 1]] += 500

    def satellite(pixels):
        rows = np.arange(SHAPE[0])
        for offset, light in ((-1, 60), (0, 150), (1, 60)):
            pixels[rows, np.clip(rows // 2 + 100 + offset, 0, SHAPE[1] - 1)] += light

    def mover(index):
        return lambda pixels: synthetic.add_star(pixels, 40 + 12 * index, 200, 4e3, SEEING[index])

    spoiled = [with_pixels(frame, mover(index)) for index, frame in enumerate(frames)]
    spoiled[1], spoiled[3] = with_pixels(spoiled[1], rays), with_pixels(spoiled[3], satellite)
    made = stack(spoiled, DEFAULTS)
    left = made.frame.pixels - clean
    rows = np.arange(SHAPE[0])
    blank = stars_apart(sky, radius=12)
    trail = left[rows, rows // 2 + 100][blank[rows, rows // 2 + 100]]
    # 150 ADU of one frame in five or six; what is left is that frame's missing noise, 0.4 ADU
    assert abs(trail.mean()) < 0.5
    on_blank = spots[blank[spots[:, 0], spots[:, 1]]]
    assert np.abs(left[on_blank[:, 0], on_blank[:, 1]]).max() < 10
    path = left[180:221, 20:120]
    # 6 x 4000 ADU were added, and a mean would leave 4000. Of a Moffat star of 294 ADU at its peak
    # 17 % lie below 2 sigma of one frame (20 ADU), and neighbours beyond one px add a little.
    assert abs(path.sum()) < 0.25 * 4000
    assert np.abs(path).max() < 12


def test_the_mask_says_where_no_frame_was_usable_and_why():
    sky = field()
    frames = exposures(sky, [3.0] * 4)
    everywhere = [
        with_bit(with_bit(frame, MaskBit.BAD_PIXEL, np.s_[10, 10]), MaskBit.NO_DATA, np.s_[20, 20])
        for frame in frames
    ]
    everywhere[0] = with_bit(everywhere[0], MaskBit.EDGE, np.s_[10, 10])
    everywhere[1] = with_bit(everywhere[1], MaskBit.COSMIC_RAY, np.s_[30, 30])
    everywhere[2] = with_bit(everywhere[2], MaskBit.NO_DATA, np.s_[40, 40])
    made = stack(everywhere, DEFAULTS)
    mask, coverage = made.frame.mask, made.coverage
    assert mask[10, 10] == MaskBit.BAD_PIXEL | MaskBit.EDGE
    assert mask[20, 20] == MaskBit.NO_DATA
    assert np.isnan(made.frame.pixels[20, 20])
    assert np.isfinite(made.frame.pixels[10, 10])
    assert [int(coverage[spot, spot]) for spot in (10, 20, 30, 40)] == [0, 0, 3, 3]
    assert not mask[30, 30]
    assert not mask[40, 40]
    assert made.frame.noise[30, 30] == pytest.approx(10 / 3**0.5, rel=0.02)
    assert (made.frame.noise > 0).all()


def test_a_star_saturated_in_some_frames_is_masked_but_a_trail_is_not():
    sky = field()
    frames = exposures(sky, [3.0] * 5)
    star = np.s_[int(sky.y[0]), int(sky.x[0])]

    def lit(pixels):
        pixels[star] = 55_000.0

    frames = [with_pixels(frame, lit) for frame in frames]
    frames[0] = with_bit(frames[0], MaskBit.SATURATED, star)
    frames[1] = with_bit(frames[1], MaskBit.SATURATED, np.s_[5, :])
    beside = np.s_[int(sky.y[0]) + 9, int(sky.x[0])]
    for index in range(3):
        frames[index] = with_bit(frames[index], MaskBit.GROWN, beside)
    made = stack(frames, DEFAULTS)
    assert made.frame.mask[star] == MaskBit.SATURATED
    assert not made.frame.mask[5].any()
    assert made.frame.mask[beside] == MaskBit.GROWN
    assert made.frame.saturation == pytest.approx(60_000, rel=0.02)


def test_the_gain_of_the_result_is_that_of_all_its_photons():
    sky = field()
    made = stack(exposures(sky, [3.0] * 4, scales=[1.0, 0.5, 1.0, 1.0]), DEFAULTS)
    # scaled to a common flux F: variance s F / g each, weights w = (1, 1/4, 1, 1) / 3.25
    weights = np.array([1, 0.25, 1, 1]) / 3.25
    expected = 2.0 / (weights**2 * [1, 2, 1, 1]).sum()
    # the weights follow measured scales, known to 0.2 %
    assert made.frame.gain == pytest.approx(expected, rel=0.01)


def test_noise_stays_right_after_the_frames_were_interpolated():
    sky = field(flux=(3e3, 2e4))
    shape, settings = SHAPE, PreprocessParameters()
    first = synthetic.expose(sky, shape, wcs=WCS, seed=0)
    aligned = [first]
    for seed in range(1, 6):
        step = (0.5, 0.37 * seed % 1)
        wcs = synthetic.tan_wcs(shape, shift=step)
        moved = synthetic.expose(
            sky,
            shape,
            wcs=wcs,
            seed=seed,
            place=lambda x, y, step=step: (x + step[0], y + step[1]),
        )
        aligned.append(onto_grid(moved, first, settings)[0])
    made = stack(aligned, DEFAULTS)
    inner = made.frame.mask == 0
    assert np.median(made.frame.noise[inner]) == pytest.approx(10 / 6**0.5, rel=0.02)
    values = made.frame.pixels / made.frame.noise
    blank = np.where(stars_apart(sky) & inner, values, np.nan)
    # sums of 8 x 8 pixels see the noise at low frequency, which is what the map promises:
    # about 1,000 blank blocks know it to 2.2 %, allow 3
    sums = blank[: 45 * 8, : 52 * 8].reshape(45, 8, 52, 8).sum(axis=(1, 3))
    assert np.nanstd(sums) / 8 == pytest.approx(1, abs=0.07)
    assert made.blank_sky.noise_ratio == pytest.approx(1, abs=0.07)
    # single pixels lose what quintic splines leave out near the Nyquist frequency
    assert np.nanstd(blank) == pytest.approx(0.9, abs=0.02)
    assert made.blank_sky.pixel_scatter == pytest.approx(np.nanstd(blank), rel=0.02)


@pytest.mark.parametrize("count", [2, 6])
def test_the_noise_of_frames_that_share_nothing_is_not_raised(count):
    made = stack(exposures(field(), [3.0] * count), DEFAULTS)
    assert made.facts()["noise_scaled_by"] == 1.0
    assert np.median(made.frame.noise) == pytest.approx(10 / count**0.5, rel=0.01)


@pytest.mark.parametrize("pattern", [3.0, 6.0])
def test_a_pattern_that_all_frames_share_raises_the_noise(pattern):
    sky, count = field(), 6
    shared = np.random.default_rng(17).normal(0, pattern, SHAPE).astype(np.float32)
    frames = [replace(f, pixels=f.pixels + shared) for f in exposures(sky, [3.0] * count)]
    made = stack(frames, DEFAULTS)
    noise = (100 / count + pattern**2) ** 0.5
    # what each frame promises knows nothing of the pattern
    promised = 10 / count**0.5
    # the MAD of 15,000 sampled pixels is known to 1 %, allow 3 of them
    assert made.facts()["noise_scaled_by"] == pytest.approx(noise / promised, rel=0.03)
    assert np.median(made.frame.noise) == pytest.approx(noise, rel=0.03)


def test_light_that_frames_share_raises_no_noise():
    sky, rows = field(), np.indices(SHAPE)[0]
    # stripes that blocks of 8 rows see and single pixels hardly: 1 ADU beside 4 of noise
    stripes = np.float32(1.0) * np.sign(np.sin(2 * np.pi * (rows + 0.5) / 32)).astype(np.float32)
    frames = [replace(f, pixels=f.pixels + stripes) for f in exposures(sky, [3.0] * 6)]
    made = stack(frames, DEFAULTS)
    assert made.blank_sky.noise_ratio > 1.5
    # the stripes alone add 3 % to the scatter of pixels, and that is what is added
    assert made.facts()["noise_scaled_by"] == pytest.approx((1 + 6 / 100) ** 0.5, rel=0.03)


AB = ZeroPoint(25.0, 0.02, ZeroPointSource.CATALOGUE, System.AB, "r")


def test_the_zero_point_of_a_stack_is_that_of_its_stars():
    sky, scales = field(), [1.0, 0.7, 0.9, 1.2]
    # a star of 25 mag gives 1 ADU in a clear sky, less under clouds
    points = [replace(AB, value=25.0 + 2.5 * np.log10(scale)) for scale in scales]
    frames = exposures(sky, [3.0] * 4, scales=scales)
    frames = [replace(f, zero_point=known) for f, known in zip(frames, points, strict=True)]
    found = stack(frames, DEFAULTS).frame.zero_point
    # the first frame is clear; scales are known to 0.13 %, which is 0.0014 mag: allow 3 of them
    assert found.value == pytest.approx(25.0, abs=0.0045)
    assert (found.source, found.system, found.band) == (ZeroPointSource.CATALOGUE, System.AB, "r")
    # four measurements of 0.02, of nearly equal weight
    assert found.error == pytest.approx(0.01, rel=0.1)


def test_the_zero_points_known_best_count_with_weights_and_scales():
    header = replace(AB, value=20.0, error=None, source=ZeroPointSource.HEADER)
    bare = ZeroPoint(0.0, None, ZeroPointSource.INSTRUMENTAL, System.INSTRUMENTAL, "r")
    scales = [Scale(factor, 0.0, 50) for factor in (1.0, 1.0, 10**0.4, 1.0)]
    known = [header, AB, replace(AB, value=24.5), None]
    mean = common_zero_point(known, scales, [0.4, 0.3, 0.1, 0.2])
    # a factor of 10^0.4 makes every star a magnitude brighter: 25.5 mag now give 1 ADU
    assert mean.value == pytest.approx((3 * 25.0 + 25.5) / 4)
    assert mean.error == pytest.approx(0.02 * (3**2 + 1) ** 0.5 / 4)
    assert common_zero_point([bare, header], scales[:2], [0.5, 0.5]) == header
    vega = replace(AB, value=30.0, system=System.VEGA)
    assert common_zero_point([AB, vega], scales[:2], [0.5, 0.5]) == AB
    assert common_zero_point([bare, None], scales[:2], [0.5, 0.5]) == bare
    assert common_zero_point([None, bare], scales[:2], [0.5, 0.5]) is None


def test_bands_of_rows_change_nothing(monkeypatch):
    frames = exposures(field())
    whole = stack(frames, DEFAULTS)
    monkeypatch.setattr(combine, "BAND_BYTES", 1)
    banded = stack(frames, DEFAULTS)
    np.testing.assert_array_equal(banded.frame.pixels, whole.frame.pixels)
    np.testing.assert_array_equal(banded.frame.noise, whole.frame.noise)
    np.testing.assert_array_equal(banded.coverage, whole.coverage)


def test_weights_are_the_best_there_are():
    fwhm, noise = np.array([2.5, 3.0, 5.0]), np.array([12.0, 10.0, 8.0])
    square = (fwhm / 2.3548) ** 2

    def snr(weights):
        signal = weights @ (1 / (square[:, None] + square)) @ weights
        return np.sqrt(signal / (weights**2 @ noise**2))

    best = point_source_weights(fwhm, noise)
    trials = np.random.default_rng(2).dirichlet(np.ones(3), 2000)
    assert snr(best) >= max(snr(trial) for trial in trials)
    assert best.sum() == pytest.approx(1)
    equal = point_source_weights(np.full(3, 3.0), noise)
    np.testing.assert_allclose(equal, noise**-2 / (noise**-2).sum(), rtol=1e-9)


def test_frames_that_cannot_be_combined_are_refused_with_numbers():
    sky = field()
    one, two = exposures(sky, [3.0, 3.0])
    with pytest.raises(ValueError, match="1 frames: a stack needs at least two"):
        stack([one], DEFAULTS)
    planes = {name: getattr(two, name)[:300] for name in ("pixels", "noise", "mask")}
    with pytest.raises(ValueError, match=r"frame 2 is \(300, 420\), the first \(360, 420\)"):
        stack([one, replace(two, **planes)], DEFAULTS)
    with pytest.raises(ValueError, match="frame 2 lies up to 2 px off the grid"):
        stack([one, replace(two, wcs=synthetic.tan_wcs(SHAPE, shift=(2, 0)))], DEFAULTS)
    empty = synthetic.expose(synthetic.Sky(*np.zeros((3, 0))), SHAPE, wcs=WCS)
    with pytest.raises(ValueError, match="frame 2 has 0 objects and none is a star"):
        stack([one, empty], DEFAULTS)
    half = with_bit(two, MaskBit.BAD_PIXEL, np.s_[:, 30:])
    with pytest.raises(ValueError, match=r"frame 2 cannot be scaled to the first: \d of \d+ stars"):
        stack([one, half], DEFAULTS)
    assert stack([one, two], DEFAULTS, scales=[1, 1]).scales[1].factor == 1
