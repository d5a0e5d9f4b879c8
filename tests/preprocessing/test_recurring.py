"""Hot pixels that were put into the frames of a night, beside stars and cosmic rays."""

import numpy as np
import pytest

from preprocessing.calibrated import CalibratedFrame
from preprocessing.masks import MaskBit
from preprocessing.raw.cosmics import find_cosmic_rays
from preprocessing.raw.recurring import recurring_hits
from tests.preprocessing.synthetic import add_star, tan_wcs

SIDE, GAIN, READ_NOISE, SKY = 160, 1.5, 6.0, 200.0
NOISE = np.hypot(np.sqrt(SKY / GAIN), READ_NOISE / GAIN)
STARS = np.random.default_rng(8).uniform(10, SIDE - 10, (30, 2))
DITHER = np.random.default_rng(9).uniform(-6, 6, (8, 2))
# Ten alone and two that touch, 50 to 400 sigma bright.
HOT = [*((15 * n + 5, 140 - 12 * n) for n in range(10)), (80, 30), (80, 31)]


def frame(seed, *, shift, fwhm, hot=HOT):
    """One exposure, its hits marked as ``reduce`` marks them."""
    rng = np.random.default_rng(seed)
    light = np.full((SIDE, SIDE), SKY)
    for x, y in STARS:
        add_star(light, x + shift[0], y + shift[1], 3e4, fwhm)
    for number, place in enumerate(hot):
        light[place] += NOISE * (50 + 30 * number)
    row, column = rng.integers(20, SIDE - 20, 2)
    light[row, column : column + 6] += 60 * NOISE  # a cosmic ray
    electrons = rng.poisson(light * GAIN) + rng.normal(0, READ_NOISE, light.shape)
    pixels = (electrons / GAIN).astype(np.float32)
    nothing = np.zeros(light.shape, bool)
    hits = find_cosmic_rays(pixels, nothing, gain=GAIN, read_noise=READ_NOISE, saturation=np.inf)
    return CalibratedFrame(
        pixels=pixels - np.float32(SKY),
        noise=np.full(light.shape, NOISE, np.float32),
        mask=hits * np.uint16(MaskBit.COSMIC_RAY),
        wcs=tan_wcs(light.shape),
        gain=GAIN,
        saturation=np.inf,
    )


@pytest.mark.parametrize("dither", [0.0, 0.05, 1.0])
@pytest.mark.parametrize("fwhm", [1.6, 3.0])
def test_hot_pixels_are_told_from_stars_and_cosmic_rays_dithered_or_not(dither, fwhm):
    frames = [frame(n, shift=dither * DITHER[n], fwhm=fwhm) for n in range(8)]
    found = {tuple(place) for place in np.argwhere(recurring_hits(frames)).tolist()}
    assert found == set(HOT)


def test_a_star_that_is_hit_in_every_frame_stays_a_star():
    frames = [frame(n, shift=(0, 0), fwhm=1.6, hot=[]) for n in range(8)]
    for each in frames:
        for x, y in np.rint(STARS).astype(int):
            each.mask[y, x] |= np.uint16(MaskBit.COSMIC_RAY)
    assert not recurring_hits(frames).any()


def test_a_pixel_counts_as_hot_from_half_of_the_frames_on():
    on, off = HOT[:1], []
    frames = [frame(n, shift=(0, 0), fwhm=3.0, hot=on if n < 4 else off) for n in range(8)]
    # Half of the frames lift the median by half of the light: still far above its noise.
    assert np.argwhere(recurring_hits(frames)).tolist() == [list(HOT[0])]
    assert not recurring_hits(frames[1:] + frames[-1:]).any()


def test_three_frames_are_too_few_to_tell():
    assert not recurring_hits([frame(n, shift=(0, 0), fwhm=3.0) for n in range(3)]).any()
