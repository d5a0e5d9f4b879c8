import json
import re
from dataclasses import asdict

import numpy as np
import pytest
from astropy.wcs import WCS

from preprocessing.astrometry.register import grid_of
from preprocessing.masks import MaskBit
from preprocessing.parameters import PreprocessParameters
from preprocessing.prepare import calibrate, onto_grid
from preprocessing.quality.figures import examine
from preprocessing.quality.limits import shortcomings, unchecked
from preprocessing.stars import find_stars
from tests.preprocessing.synthetic import add_star, scatter_stars, tan_wcs

SHAPE = (320, 300)
SPECTRAL = WCS({"CTYPE1": "WAVE", "CTYPE2": "STOKES"})
PARAMETERS = PreprocessParameters()
GAIN, READ_NOISE, SKY_LEVEL = 1.5, 6.0, 400.0


def raw(seed=1, dx=0.0, fwhm=3.0):
    rng = np.random.default_rng(seed)
    sky = scatter_stars(SHAPE, 60, np.random.default_rng(1))
    light = np.full(SHAPE, SKY_LEVEL)
    for x, y, flux in zip(sky.x, sky.y, sky.flux, strict=True):
        add_star(light, x + dx, y, flux, fwhm)
    electrons = rng.poisson(light * GAIN) + rng.normal(0, READ_NOISE, SHAPE)
    return electrons / GAIN


def calibrated(pixels, **changes):
    options = {
        "wcs": tan_wcs(SHAPE),
        "gain": GAIN,
        "read_noise": READ_NOISE,
        "saturation": 6e4,
        "parameters": PARAMETERS,
    }
    return calibrate(pixels, **options | changes)


def test_the_noise_is_that_of_sky_and_read_out():
    frame = calibrated(raw())
    closed_form = np.sqrt(SKY_LEVEL / GAIN + (READ_NOISE / GAIN) ** 2)
    # 96 000 pixels: 0.3 %; faint wings outside the masks add up to 1.5 %
    assert np.median(frame.noise) == pytest.approx(closed_form, rel=0.02)
    assert frame.sky_level == pytest.approx(SKY_LEVEL, abs=1.0)
    assert frame.saturation == pytest.approx(6e4 - SKY_LEVEL, abs=1.0)
    assert frame.pixels.dtype == frame.noise.dtype == np.float32


def test_the_noise_is_never_below_that_of_the_read_out():
    # 24 ADU, where photons and the true read noise make 17
    frame = calibrated(raw(), read_noise=36.0)
    assert frame.noise.min() >= np.float32(36.0 / GAIN)


def test_what_is_known_of_a_frame_is_added_to_what_it_shows():
    known = np.zeros(SHAPE, np.uint16)
    known[10, 20] = MaskBit.BAD_PIXEL
    pixels = raw()
    pixels[30, 40] = np.nan
    mask = calibrated(pixels, known=known).mask
    assert (mask[10, 20], mask[30, 40]) == (MaskBit.BAD_PIXEL, MaskBit.NO_DATA)


def test_the_mask_of_another_frame_is_refused():
    with pytest.raises(ValueError, match=r"known mask is \(3, 3\), the frame \(320, 300\)"):
        calibrated(raw(), known=np.zeros((3, 3), np.uint16))


def test_missing_pixels_stay_missing():
    pixels = raw()
    pixels[:30] = np.nan
    frame = calibrated(pixels)
    assert np.isnan(frame.pixels[:30]).all()
    assert ((frame.mask[:30] & MaskBit.NO_DATA) != 0).all()
    assert np.isfinite(frame.noise).all()


def test_a_shifted_exposure_lands_on_the_reference():
    reference = calibrated(raw(seed=2, fwhm=2.7))
    science = calibrated(raw(seed=3, dx=1.7))
    moved, registration = onto_grid(science, reference, PARAMETERS)
    again, _ = onto_grid(science, grid_of(reference, PARAMETERS), PARAMETERS)
    assert np.array_equal(moved.pixels, again.pixels, equal_nan=True)
    assert registration.residual_rms_px < 0.05
    places = [find_stars(f.pixels, f.noise, f.mask, threshold=50) for f in (reference, moved)]
    x = [np.sort(stars["x"][:10]) for stars in places]
    # 0.02 px each
    assert np.median(np.abs(x[0] - x[1])) < 0.05


def test_quality_figures_are_those_of_the_exposure():
    frame = calibrated(raw())
    figures = examine(frame, PARAMETERS).quality.figures()
    json.dumps(figures)
    # pixels and wings add 5 % to the half width of a Moffat
    assert figures["seeing_px"] == pytest.approx(3.0 * 1.05, rel=0.03)
    assert figures["n_stars"] == pytest.approx(60, abs=4)
    assert figures["masked_fraction"] == pytest.approx((frame.mask != 0).mean())
    psf = np.zeros((41, 41))
    add_star(psf, 20.25, 20.25, 1.0, 3.0)
    # 5 sigma over the root of the sum of the PSF's square; rings as wide as a third of a pixel and
    # errors of centring make it 2 % more
    expected = 5 * figures["noise"] / (psf**2).sum() ** 0.5
    assert figures["limiting_flux"] == pytest.approx(expected, rel=0.04)


def test_parameters_survive_json():
    assert PreprocessParameters(**json.loads(json.dumps(asdict(PARAMETERS)))) == PARAMETERS


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda p: np.full_like(p, np.nan), "all 96000 pixels are NaN or infinite"),
        (lambda p: np.full_like(p, 7.0), "all pixels are equal to 7"),
        (lambda p: p[:20, :20], r"the frame is \(20, 20\)"),
        (lambda p: p[None], r"the frame is \(1, 320, 300\)"),
        (lambda p: p + 7e4, "0.0% of the pixels are good"),
    ],
)
def test_what_is_no_exposure_of_the_sky_is_refused(spoil, message):
    with pytest.raises(ValueError, match=message):
        calibrated(spoil(raw()))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gain": None}, "gain is None"),
        ({"gain": np.nan}, "gain is nan"),
        ({"gain": 0.0}, "gain is 0.0"),
        ({"read_noise": -1.0}, "read noise is -1.0"),
        ({"wcs": SPECTRAL}, "not right ascension and declination"),
        ({"saturation": 0.0}, "saturation is 0.0"),
    ],
)
def test_figures_that_cannot_be_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        calibrated(raw(), **change)


def test_a_frame_without_stars_has_no_quality():
    frame = calibrated(np.random.default_rng(5).normal(400, 10, SHAPE))
    with pytest.raises(ValueError, match=r"no unsaturated object above 5 sigma .* shows no stars"):
        examine(frame, PARAMETERS)


def test_a_wholly_masked_frame_has_no_quality():
    frame = calibrated(raw())
    frame.mask[:] = MaskBit.BAD_PIXEL
    with pytest.raises(ValueError, match="nothing to measure"):
        examine(frame, PARAMETERS)


def test_corrupt_bytes_among_the_pixels_cost_only_themselves():
    pixels = raw().astype(np.float32)
    rng = np.random.default_rng(3)
    noise = rng.integers(0, 256, 4 * 40 * 60, dtype=np.uint8).view(np.float32).reshape(40, 60)
    pixels[20:60, 30:90] = noise
    frame = calibrated(pixels)
    corrupt = frame.mask[20:60, 30:90] != 0
    # random exponents: a third of the values is beyond any detector, others saturate or stay small
    assert corrupt.mean() > 0.3
    assert np.isfinite(frame.pixels[frame.mask == 0]).all()
    assert examine(frame, PARAMETERS).quality.n_stars > 0


@pytest.mark.parametrize("gain", [0.15, 0.3])
def test_a_gain_that_promises_more_noise_than_there_is_is_refused(gain):
    # photons and read noise make 17 ADU; a gain of 0.3 would make 42
    with pytest.raises(ValueError, match=rf"a gain of {gain} e-/ADU .* vary by .* varies by 1[67]"):
        calibrated(raw(), gain=gain)


def test_an_average_of_two_exposures_under_the_header_of_one_passes():
    average = (raw(seed=1) + raw(seed=2)) / 2
    assert calibrated(average).noise.mean() == pytest.approx(17.0 / 2**0.5, rel=0.3)


def test_a_gain_that_promises_too_little_noise_shows_in_the_quality():
    stated, wrong = (
        examine(calibrated(raw(), gain=gain), PARAMETERS).quality for gain in (GAIN, 10 * GAIN)
    )
    # of the variance photons make 400 / 1.5 = 267, the read noise 16: sqrt(283 / 267) = 1.03
    assert stated.noise_ratio == pytest.approx(1.03, abs=0.03)
    assert wrong.noise_ratio == pytest.approx(1.03 * 10**0.5, rel=0.03)
    said = shortcomings(wrong.figures(), PARAMETERS, is_reference=False)
    assert [reason for reason in said if "max_noise_ratio" in reason] == [
        "noise over that of photons 3.3 is above 2 (max_noise_ratio)"
    ]


def test_without_its_sky_a_frame_does_not_tell_how_noisy_photons_are():
    frame = calibrated(raw() - SKY_LEVEL)
    quality = examine(frame, PARAMETERS).quality
    assert quality.noise_ratio is None
    (sentence,) = unchecked(quality.figures())
    # the noise is that of photons and read-out, 17 ADU
    assert re.search(
        r"gain could not be checked: .* in noise of 1[67](\.\d)? ADU are none", sentence
    )
    assert not list(unchecked(examine(calibrated(raw()), PARAMETERS).quality.figures()))
    assert "max_noise_ratio" not in str(
        list(shortcomings(quality.figures(), PARAMETERS, is_reference=False))
    )
