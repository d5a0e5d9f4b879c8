import numpy as np
import pytest

from preprocessing.raw.averages import Averaging, average
from preprocessing.raw.bad_pixels import bad_pixel_mask, nonlinear_pixels
from preprocessing.raw.detector import gain_of_pair, read_noise_adu
from preprocessing.raw.masters import as_bias, master_bias, master_dark, master_flat
from tests.preprocessing.raw_frames import poisson_flat

SHAPE = (320, 280)
GAIN, NOISE, BIAS = 1.8, 5.0, 1000.0


def biases(rng, count, shape=SHAPE, noise=NOISE):
    return [rng.normal(BIAS, noise, shape).astype(np.float32) for _ in range(count)]


@pytest.mark.parametrize("count", [3, 5, 12])
@pytest.mark.parametrize("use_median", [False, True])
def test_the_uncertainty_of_an_average_is_its_scatter(count, use_median):
    frames = biases(np.random.default_rng(count), count)
    made = average(frames, Averaging(use_median=use_median))
    pull = (made.pixels - BIAS) / made.uncertainty
    # The median of few values is better than pi / 2 of many: 3 give 1.16 instead of 1.25.
    lowest = 0.92 if use_median else 0.985
    assert lowest < pull.std() < 1.015
    assert (made.counts == count).mean() > 0.9999


def test_a_cosmic_ray_in_one_of_three_frames_is_left_out_and_counted():
    frames = biases(np.random.default_rng(1), 3)
    frames[1][100, 50:60] += 500
    made = average(frames, Averaging())
    assert (made.counts[100, 50:60] == 2).all()
    assert made.clipped >= 10
    assert np.abs(made.pixels[100, 50:60] - BIAS).max() < 5 * NOISE / np.sqrt(2)


def test_missing_pixels_do_not_count_and_pixels_never_seen_are_nan():
    frames = biases(np.random.default_rng(2), 4)
    frames[0][5, 5] = np.nan
    for frame in frames:
        frame[9, 9] = np.nan
    made = average(frames, Averaging())
    assert made.counts[5, 5] == 3
    assert made.counts[9, 9] == 0
    assert np.isnan(made.pixels[9, 9])


def test_frames_of_different_windows_are_not_averaged():
    with pytest.raises(ValueError, match=r"\(320, 280\)"):
        average([np.zeros(SHAPE, np.float32), np.zeros((3, 3), np.float32)], Averaging())


def test_a_master_bias_states_level_read_noise_and_inputs():
    frames = [np.round(frame) for frame in biases(np.random.default_rng(3), 10)]
    found = master_bias(frames, gain=GAIN).statistics
    assert found["level"] == pytest.approx(BIAS, abs=0.2)
    # Whole counts add 1/12 to the variance; the estimate knows itself to a third of a percent.
    expected = np.sqrt(NOISE**2 + 1 / 12)
    assert found["read_noise_adu"] == pytest.approx(expected, abs=0.02)
    assert found["read_noise_e"] == pytest.approx(GAIN * expected, abs=0.04)
    assert found["noise"] == pytest.approx(expected / np.sqrt(10), rel=0.02)
    assert found["inputs"] == 10


def test_the_read_noise_of_a_structured_bias_is_that_of_its_pixels():
    structure = np.add.outer(np.linspace(0, 50, SHAPE[0]), np.linspace(0, 80, SHAPE[1]))
    frames = [frame + structure for frame in biases(np.random.default_rng(4), 4)]
    found = read_noise_adu(frames)
    assert found.value == pytest.approx(NOISE, abs=4 * found.error)
    assert found.error < 0.02


def test_a_dark_gives_the_dark_current_and_hot_pixels_keep_theirs():
    rng = np.random.default_rng(5)
    rate = np.full(SHAPE, 0.5)
    rate[20, 30] = 40.0
    bias = master_bias(biases(rng, 9))
    frames = [poisson_flat(rng, rate, 60.0, gain=GAIN, noise_adu=NOISE, bias=BIAS) for _ in "12345"]
    made = master_dark(frames, [60.0] * 5, bias=bias, gain=GAIN)
    assert made.statistics["dark_current_adu_s"] == pytest.approx(0.5, abs=0.005)
    assert made.statistics["dark_current_e_s"] == pytest.approx(0.5 * GAIN, abs=0.01)
    hot = np.sqrt(40 * 60 / GAIN / 5)
    assert made.pixels[20, 30] == pytest.approx(2400, abs=4 * hot)
    pull = (made.pixels - 60 * rate) / made.uncertainty
    assert pull.std() == pytest.approx(1, abs=0.02)


def test_darks_of_several_exposures_are_scaled_with_a_bias_and_refused_without():
    rng = np.random.default_rng(6)
    rate, times = np.full(SHAPE, 2.0), (50.0, 100.0, 150.0)
    frames = [poisson_flat(rng, rate, t, gain=GAIN, noise_adu=NOISE, bias=BIAS) for t in times]
    made = master_dark(frames, times, bias=master_bias(biases(rng, 9)))
    assert made.exposure_s == 100
    assert np.median(made.pixels) == pytest.approx(200, abs=0.2)
    with pytest.raises(ValueError, match="darks of 50 to 150 s cannot be averaged without a bias"):
        master_dark(frames, times)


def test_a_dark_without_a_bias_holds_it_and_can_stand_for_it():
    made = master_dark(biases(np.random.default_rng(7), 3), [1.5] * 3)
    assert made.holds_bias
    bias = as_bias(made)
    assert (bias.kind, bias.exposure_s) == ("bias", 0.0)
    assert np.median(bias.pixels) == pytest.approx(BIAS, abs=0.2)


def uneven(shape=SHAPE):
    y, x = np.indices(shape)
    return 1 - 0.3 * ((x / shape[1] - 0.5) ** 2 + (y / shape[0] - 0.5) ** 2)


def flats(rng, levels, sensitivity=None):
    sensitivity = uneven() if sensitivity is None else sensitivity
    return [
        poisson_flat(rng, sensitivity, level, gain=GAIN, noise_adu=NOISE, bias=BIAS)
        for level in levels
    ]


def test_a_flat_is_the_sensitivity_with_an_honest_uncertainty():
    frames = flats(np.random.default_rng(8), (20_000, 15_000, 10_000, 5_000))
    made = master_flat([frame - BIAS for frame in frames], noise_adu=NOISE)
    truth = uneven() / np.median(uneven())
    pull = (made.pixels - truth) / made.uncertainty
    assert pull.std() == pytest.approx(1, abs=0.03)
    # 80,000 pixels of relative noise 0.0035: the norm is known to 2e-5.
    assert np.median(made.pixels / truth) == pytest.approx(1, abs=1e-4)


def test_a_star_in_one_twilight_flat_does_not_come_through():
    frames = flats(np.random.default_rng(9), (20_000, 18_000, 16_000))
    frames[0][100:105, 100:105] += 3000
    made = master_flat([frame - BIAS for frame in frames], noise_adu=NOISE)
    truth = uneven() / np.median(uneven())
    assert np.abs(made.pixels / truth - 1)[100:105, 100:105].max() < 0.05
    assert made.counts[102, 102] == 2


def test_saturated_and_faint_flats_are_refused_with_their_number():
    bright = [frame - BIAS for frame in flats(np.random.default_rng(10), (9_000, 65_000))]
    bright[1][bright[1] > 50_000] = np.nan
    with pytest.raises(ValueError, match="flat 2 of 2 is saturated"):
        master_flat(bright)
    faint = [frame - BIAS for frame in flats(np.random.default_rng(11), (30,))]
    with pytest.raises(ValueError, match=r"flat 1 of 1 has 2\d ADU above bias"):
        master_flat(faint, noise_adu=NOISE)


@pytest.mark.parametrize("levels", [(20_000, 20_000), (20_000, 12_000)])
def test_the_gain_is_what_the_photons_were_made_with(levels):
    one, other = (f - BIAS for f in flats(np.random.default_rng(12), levels))
    found = gain_of_pair(one, other, NOISE)
    assert found.value == pytest.approx(GAIN, abs=4 * found.error)
    assert found.error < 0.01 * GAIN


def test_flats_that_are_mostly_read_noise_give_no_gain():
    one, other = (f - BIAS for f in flats(np.random.default_rng(13), (5, 5)))
    assert gain_of_pair(one, other, NOISE) is None


def test_bad_pixels_are_those_that_were_made_bad():
    rng = np.random.default_rng(14)
    rate = np.full(SHAPE, 0.1)
    hot, dead, bent = (40, 60), (70, 80), (90, 200)
    rate[hot] = 30
    sensitivity = uneven()
    sensitivity[dead] = 0.2
    sensitivity[:, 140] *= 0.7
    dark = master_dark(
        [poisson_flat(rng, rate, 60, gain=GAIN, noise_adu=NOISE) for _ in range(5)],
        [60.0] * 5,
        bias=master_bias([frame - BIAS for frame in biases(rng, 5)]),
    )
    frames = [frame - BIAS for frame in flats(rng, (30_000, 10_000), sensitivity)]
    frames[0][bent] *= 0.6
    nonlinear = nonlinear_pixels(frames, NOISE, GAIN)
    flat = master_flat(frames[:1], noise_adu=NOISE)
    found, counts = bad_pixel_mask(dark=dark, flats=[flat], nonlinear=nonlinear)
    expected = np.zeros(SHAPE, bool)
    for pixel in (hot, dead, bent):
        expected[pixel] = True
    expected[:, 140] = True
    np.testing.assert_array_equal(found, expected)
    assert counts["hot_pixels"] == counts["nonlinear_pixels"] == 1


def test_flats_of_one_level_tell_nothing_of_linearity():
    frames = [frame - BIAS for frame in flats(np.random.default_rng(15), (10_000, 11_000))]
    assert not nonlinear_pixels(frames, NOISE, GAIN).any()


def test_a_bad_pixel_mask_needs_a_master():
    with pytest.raises(ValueError, match="no dark and no flat"):
        bad_pixel_mask()
