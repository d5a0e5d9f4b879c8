import io
from dataclasses import asdict, replace

import numpy as np
import pytest
from astropy.io import fits

from differencing import product
from differencing.extraction.extract import extract
from differencing.parameters import DifferenceParameters
from differencing.subtraction.subtract import subtract
from preprocessing.hits import fall_of, find_cosmics
from preprocessing.masks import MaskBit
from tests.differencing import sky

PARAMETERS = DifferenceParameters()


def pair(seed, shape=(256, 300), count=90):
    rng = np.random.default_rng(seed)
    stars = sky.star_field(shape, count, rng, brightest=6e4)
    return (
        sky.observe(shape, sky.SCIENCE, stars, rng),
        sky.observe(shape, sky.REFERENCE, stars, rng),
    )


def blank_by_truth(scene):
    """Pixels in which no source, of either frame, is a fifth of the noise; by the noiseless sky."""
    sources = np.vstack([scene.stars, scene.new, scene.gone])
    blank = np.isfinite(scene.difference.significance) & (scene.difference.mask == 0)
    for conditions in (sky.SCIENCE, sky.REFERENCE):
        blank &= sky.render(blank.shape, conditions, sources) < 0.2 * conditions.noise
    return blank


def test_blank_sky_scatters_by_one_sigma(scene):
    blank = blank_by_truth(scene)
    assert blank.sum() > 2.5e5
    # a beam is some 30 px: from 9000 beams a standard deviation is known to 0.75 %; allow 4 of
    # these. All pixels count, not the middle of their distribution, and none is chosen by noise.
    assert scene.difference.significance[blank].std() == pytest.approx(1.0, abs=0.03)


def test_noise_maps_that_were_right_are_left_as_they_are(scene):
    # the same scatter, measured in fewer pixels
    assert scene.difference.figures["noise_scale"] == pytest.approx(1.0, abs=0.04)


def test_noise_maps_that_promise_too_little_are_scaled():
    science, reference = pair(42)
    right = subtract(science, reference, PARAMETERS)
    low = [replace(frame, noise=frame.noise / np.float32(1.15)) for frame in (science, reference)]
    scaled = subtract(*low, PARAMETERS)
    ratio = scaled.figures["noise_scale"] / right.figures["noise_scale"]
    # the noise of the very same pixels; which of them count as blank changes a little
    assert ratio == pytest.approx(1.15, rel=0.02)


def test_flux_ratio_and_seeing_are_measured(scene):
    figures = scene.difference.figures
    # 30 bright stars of 1 % each
    assert figures["flux_ratio"] == pytest.approx(0.8, rel=0.01)
    # the pixels widen a profile of 3.4 px to 3.52 and one of 2.7 to 2.85
    assert figures["fwhm_science"] == pytest.approx(3.52, rel=0.03)
    assert figures["fwhm_reference"] == pytest.approx(2.85, rel=0.03)
    assert figures["n_psf_stars_science"] >= 30


def test_static_stars_leave_nothing(scene):
    stars = scene.difference.significance
    known = np.zeros(stars.shape, bool)
    for x, y in np.vstack([scene.seen(scene.new)[0], scene.seen(scene.gone)[0]]):
        known[int(y) - 12 : int(y) + 13, int(x) - 12 : int(x) + 13] = True
    rest = stars[~known]
    # 300 stars and 10^4 beams of noise: 5 sigma by chance in 1 of 200 frames
    assert np.abs(rest).max() < 5.5


def test_psf_of_the_difference_sums_to_one(scene):
    assert scene.difference.psf.sum() == pytest.approx(1.0, abs=1e-5)


def test_swapping_the_frames_turns_the_sign(scene):
    back = subtract(scene.reference, scene.science, DifferenceParameters(tile=256))
    forth = scene.difference
    # on the other frame's grid, 0.25 px away, so compare at sources only
    for x, y in scene.seen(scene.new)[0]:
        here, there = forth.significance[round(y), round(x)], back.significance[round(y), round(x)]
        # 0.25 px off the peak costs up to 3 % of it and 0.5 sigma of noise
        assert there == pytest.approx(-here, abs=1.0 + 0.06 * abs(float(here)))


def test_result_does_not_depend_on_the_tiles(scene):
    whole = subtract(scene.science, scene.reference, DifferenceParameters(tile=1024))
    change = whole.significance - scene.difference.significance
    # the PSF is that of a tile's centre and differs a little from tile to tile: in the sky that
    # is a small part of the noise, at sources a small part of their significance
    assert np.std(change) < 0.15
    for x, y in np.rint(scene.seen(scene.new)[0]).astype(int):
        assert abs(change[y, x]) < 0.3 + 0.04 * scene.difference.significance[y, x]


def test_any_number_of_threads_gives_the_same_pixels():
    science, reference = pair(36)
    small = DifferenceParameters(tile=96)
    alone, together = (subtract(science, reference, small, threads=n) for n in (1, 3))
    for plane in ("difference", "significance", "flux", "flux_error", "mask", "psf"):
        assert np.array_equal(getattr(alone, plane), getattr(together, plane), equal_nan=True)


def test_gaps_are_nan_and_leave_no_candidates_around_them():
    science, reference = pair(31)
    holed = science.pixels.copy()
    holed[:, 100:112] = np.nan
    holed[200:, :40] = np.nan
    mask = np.where(np.isnan(holed), int(MaskBit.NO_DATA), 0).astype(np.uint16)
    difference = subtract(replace(science, pixels=holed, mask=mask), reference, PARAMETERS)
    assert np.isnan(difference.significance[:, 100:112]).all()
    assert np.isfinite(difference.significance[:, :100][:200]).all()
    assert (difference.mask[:, 99] & MaskBit.EDGE).all()
    found = extract(difference, science, reference, threshold=5.0)
    assert len(found) == 0


def test_cosmic_rays_leave_no_candidates():
    science, reference = pair(32)
    hit = science.pixels.copy()
    for step in range(14):
        hit[60 + step, 50 + step // 2] += 600
    hit[150, 200] += 900
    struck = replace(science, pixels=hit)
    difference = subtract(struck, reference, PARAMETERS)
    assert difference.mask[150, 200] & MaskBit.COSMIC_RAY
    assert len(extract(difference, struck, reference, threshold=5.0)) == 0


def test_stars_are_no_cosmic_rays():
    science, _ = pair(33)
    psf = sky.moffat(sky.SCIENCE.fwhm, sky.SCIENCE.ellipticity, 0, 0, 16)
    assert (
        find_cosmics(science.pixels, science.noise, fall=fall_of(psf), gain=science.gain).sum() <= 2
    )


def test_smallest_frame_with_enough_stars_can_be_subtracted():
    shape = (64, 65)
    rng = np.random.default_rng(34)
    stars = np.array([[18.2, 20.1, 2e4], [45.7, 18.4, 3e4], [20.3, 46.2, 1.5e4], [47.1, 44.0, 2e4]])
    frames = [sky.observe(shape, kind, stars, rng) for kind in (sky.SCIENCE, sky.REFERENCE)]
    difference = subtract(*frames, PARAMETERS)
    assert difference.significance.shape == shape
    assert difference.figures["n_psf_stars_science"] == 4


def test_refuses_frames_of_different_shape():
    science, reference = pair(35)
    cut = replace(
        reference,
        pixels=reference.pixels[:200],
        noise=reference.noise[:200],
        mask=reference.mask[:200],
    )
    with pytest.raises(ValueError, match=r"science is \(256, 300\) and reference \(200, 300\)"):
        subtract(science, cut, PARAMETERS)


def test_refuses_a_frame_that_is_all_masked():
    science, reference = pair(37)
    dark = replace(science, mask=np.full(science.mask.shape, int(MaskBit.NO_DATA), np.uint16))
    with pytest.raises(ValueError, match="the science frame has no good pixel: all 76800"):
        subtract(dark, reference, PARAMETERS)


def test_refuses_frames_without_a_common_good_pixel():
    science, reference = pair(38)
    left, right = np.zeros(science.mask.shape, np.uint16), np.zeros(science.mask.shape, np.uint16)
    left[:, :150], right[:, 150:] = int(MaskBit.NO_DATA), int(MaskBit.NO_DATA)
    with pytest.raises(ValueError, match="no pixel is good in both frames"):
        subtract(replace(science, mask=left), replace(reference, mask=right), PARAMETERS)


def test_refuses_a_frame_with_too_few_stars_and_says_how_many():
    rng = np.random.default_rng(39)
    stars = np.array([[100.0, 90.0, 2e4], [200.0, 150.0, 3e4]])
    frames = [sky.observe((256, 256), kind, stars, rng) for kind in (sky.SCIENCE, sky.REFERENCE)]
    with pytest.raises(ValueError, match=r"2 usable PSF stars among 2 sources of the reference"):
        subtract(*frames, PARAMETERS)


def test_refuses_frames_of_different_fields():
    science, _ = pair(40)
    _, reference = pair(41)
    with pytest.raises(ValueError, match="in common"):
        subtract(science, reference, PARAMETERS)


def test_refuses_a_frame_that_is_too_small():
    rng = np.random.default_rng(42)
    frames = [sky.observe((63, 80), kind, [], rng) for kind in (sky.SCIENCE, sky.REFERENCE)]
    with pytest.raises(ValueError, match="at least 64 a side"):
        subtract(*frames, PARAMETERS)


@pytest.mark.parametrize(
    ("name", "value"), [("threshold", 0.0), ("tile", 8), ("min_psf_stars", 400)]
)
def test_refuses_parameters_that_make_no_difference(name, value):
    with pytest.raises(ValueError, match=name):
        DifferenceParameters(**{name: value})


def test_parameters_survive_json():
    assert DifferenceParameters(**asdict(PARAMETERS)) == PARAMETERS


def test_stored_difference_is_read_back_unchanged(scene):
    stored = product.from_fits(product.to_fits(scene.difference, {"SCIENCE": "a", "REFERENC": "b"}))
    for name in ("difference", "significance", "flux", "flux_error", "mask", "psf"):
        np.testing.assert_array_equal(getattr(stored, name), getattr(scene.difference, name))
    assert stored.figures == scene.difference.figures
    model, kept = scene.difference.science_psf, stored.science_psf
    for name in vars(kept):
        np.testing.assert_array_equal(getattr(kept, name), getattr(model, name))
    # the same pixel lies at the same place of the sky to a millionth of an arcsecond
    np.testing.assert_allclose(
        stored.wcs.all_pix2world([[10, 20]], 0),
        scene.difference.wcs.all_pix2world([[10, 20]], 0),
        atol=1e-9,
    )


def test_a_difference_from_before_the_psf_was_kept_is_read(scene):
    with fits.open(io.BytesIO(product.to_fits(scene.difference))) as units:
        del units["SCIPSF"]
        old = io.BytesIO()
        units.writeto(old)
    assert product.from_fits(old.getvalue()).science_psf is None


def test_damaged_difference_is_refused(scene):
    content = bytearray(product.to_fits(scene.difference))
    content[len(content) // 2] ^= 0xFF
    with pytest.raises(ValueError, match="checksum"):
        product.from_fits(bytes(content))
