"""Quality figures are those that the exposure was made with."""

from dataclasses import replace

import numpy as np
import pytest

from preprocessing.masks import MaskBit
from preprocessing.parameters import PreprocessParameters
from preprocessing.quality.figures import examine
from preprocessing.quality.limits import QualityLimits, shortcomings
from tests.preprocessing.synthetic import add_star, expose, frame_of, scatter_stars, tan_wcs

PARAMETERS = PreprocessParameters()
SHAPE = (500, 500)
WCS = tan_wcs(SHAPE)
NOISE = 10.0


def exposed(seed=0, fwhm=3.0, count=60):
    rng = np.random.default_rng(seed)
    return expose(scatter_stars(SHAPE, count, rng), SHAPE, wcs=WCS, fwhm=fwhm, seed=seed)


@pytest.mark.parametrize("fwhm", [2.2, 3.0, 5.0])
def test_sources_at_the_limit_are_measured_at_five_sigma(fwhm):
    limit = examine(exposed(fwhm=fwhm), PARAMETERS).quality.limiting_flux
    rng = np.random.default_rng(1)
    half, count = 20, 400
    psf = np.zeros((2 * half + 1, 2 * half + 1))
    add_star(psf, half, half, 1.0, fwhm, half=half)
    sky = rng.normal(0, NOISE, (count, *psf.shape))
    # the best linear estimate of a flux in white noise (King 1983), in units of its error
    measured = ((limit * psf + sky) * psf).sum(axis=(1, 2)) / (NOISE * np.sqrt((psf**2).sum()))
    # 1 / sqrt(400) = 0.05; the curve of growth, of rings as wide as a pixel, gives 3 %
    assert measured.mean() == pytest.approx(5.0, abs=0.3)
    assert measured.std() == pytest.approx(1.0, abs=0.15)


def test_seeing_is_that_of_the_stars_where_galaxies_outnumber_them():
    frame, rng = exposed(count=25), np.random.default_rng(2)
    pixels = frame.pixels.astype(float)
    for _ in range(80):
        x, y, flux = rng.uniform(15, 485), rng.uniform(15, 485), rng.uniform(1e4, 4e4)
        add_star(pixels, x, y, flux, rng.uniform(4.0, 5.5), beta=2.5)
    quality = examine(frame_of(pixels, wcs=WCS), PARAMETERS).quality
    alone = examine(exposed(count=25), PARAMETERS).quality
    assert quality.seeing_px == pytest.approx(alone.seeing_px, rel=0.05)


def test_a_frame_with_bad_tracking_says_so_with_its_ellipticity():
    frame = exposed()
    smeared = sum(np.roll(frame.pixels, step, axis=1) for step in range(-4, 5)) / 9
    trailed = replace(frame, pixels=smeared.astype(np.float32), noise=frame.noise / 3)
    figures = examine(trailed, PARAMETERS).quality.figures()
    assert figures["ellipticity"] > 0.4
    reasons = list(shortcomings(figures, PARAMETERS, is_reference=False))
    assert any("is above 0.35 (max_ellipticity)" in reason for reason in reasons)


def test_a_trail_is_masked_and_counted():
    frame = exposed()
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    line = 60 * np.exp(-0.5 * ((y - 0.3 * x - 150) / 2) ** 2)
    found = examine(replace(frame, pixels=frame.pixels + line.astype(np.float32)), PARAMETERS)
    marked = (found.frame.mask & MaskBit.TRAIL) != 0
    assert marked[line > 30].all()
    assert found.quality.trail_fraction == marked.mean()
    assert not (frame.mask & MaskBit.TRAIL).any(), "the frame that was given is left as it was"


def test_saturated_and_masked_shares_are_counted():
    frame = exposed()
    mask = frame.mask.copy()
    mask[:50, :25] = MaskBit.SATURATED
    mask[:50, 25:50] = MaskBit.BAD_PIXEL
    quality = examine(replace(frame, mask=mask), PARAMETERS).quality
    assert quality.saturated_fraction == pytest.approx(0.005)
    assert quality.masked_fraction == pytest.approx(0.01)


def test_the_sky_is_given_as_a_share_of_saturation():
    frame = replace(exposed(), sky_level=30_000.0, saturation=10_000.0)
    assert examine(frame, PARAMETERS).quality.sky_fraction == pytest.approx(0.75)
    endless = replace(frame, saturation=np.inf)
    assert examine(endless, PARAMETERS).quality.sky_fraction == 0


@pytest.mark.parametrize(
    ("mask", "words"),
    [(4, "all 250000 pixels are masked"), (0, "no unsaturated object above 5 sigma")],
)
def test_a_frame_without_anything_to_measure_is_refused(mask, words):
    blank = np.random.default_rng(3).normal(0, NOISE, SHAPE)
    frame = frame_of(blank, wcs=WCS, mask=np.full(SHAPE, mask, np.uint16))
    with pytest.raises(ValueError, match=words):
        examine(frame, PARAMETERS)


FIGURES = {
    "seeing_px": 9.1, "ellipticity": 0.1, "sky_fraction": 0.1, "unevenness": 0.1,
    "noise_ratio": 1.1,
    "saturated_fraction": 0.001, "masked_fraction": 0.01, "trail_fraction": 0.0, "n_stars": 4,
}  # fmt: skip


def test_reasons_name_the_figure_the_limit_and_the_setting():
    limits = QualityLimits(max_seeing_px=6.0, min_quality_stars=5)
    assert list(shortcomings(FIGURES, limits, is_reference=False)) == [
        "seeing 9.1 px is above 6 (max_seeing_px)",
        "number of stars 4 is below 5 (min_quality_stars)",
    ]


def test_references_are_held_to_stricter_limits():
    limits = QualityLimits(max_seeing_px=10.0, reference_factor=0.8, min_limiting_magnitude=20.0)
    known = FIGURES | {"limiting_magnitude": 20.1}
    assert list(shortcomings(known, limits, is_reference=False)) == []
    # 0.8 of 10 px, and 0.24 mag deeper
    assert list(shortcomings(known, limits, is_reference=True)) == [
        "seeing 9.1 px is above 8 (max_seeing_px)",
        "limiting magnitude 20.10 is below 20.24 (min_limiting_magnitude)",
    ]


def test_a_depth_that_nobody_has_calibrated_is_not_compared():
    limits = QualityLimits(min_limiting_magnitude=25.0)
    assert list(shortcomings(FIGURES, limits, is_reference=False)) == []
