import numpy as np
import pytest

from preprocessing.raw.cosmics import find_cosmic_rays
from tests.preprocessing.synthetic import add_star

GAIN, READ_NOISE, SKY = 2.0, 8.0, 300.0


def field(seed=3, side=256, fwhm=3.0):
    """Stars on a sky, in ADU, with photon and read noise; no cosmic ray."""
    rng = np.random.default_rng(seed)
    light = np.full((side, side), SKY)
    for x, y in rng.uniform(15, side - 15, (40, 2)):
        add_star(light, x, y, 10 ** rng.uniform(3, 5), fwhm)
    electrons = rng.poisson(light * GAIN) + rng.normal(0, READ_NOISE, light.shape)
    return electrons / GAIN


def tracks(rng, shape, count):
    """Straight tracks of 2 to 12 px, far above the noise of one pixel."""
    marked = np.zeros(shape, bool)
    for _ in range(count):
        length, angle = rng.integers(2, 12), rng.uniform(0, np.pi)
        steps = np.arange(length)
        y0, x0 = rng.integers(20, shape[0] - 20, 2)
        y, x = y0 + np.rint(steps * np.sin(angle)), x0 + np.rint(steps * np.cos(angle))
        marked[y.astype(int), x.astype(int)] = True
    return marked


def find(image, unusable=None):
    unusable = np.zeros(image.shape, bool) if unusable is None else unusable
    return find_cosmic_rays(image, unusable, gain=GAIN, read_noise=READ_NOISE, saturation=np.inf)


def test_marks_tracks_and_leaves_stars_and_sky_alone():
    image = field()
    hit = tracks(np.random.default_rng(8), image.shape, 30)
    image[hit] += 1000.0
    found = find(image)
    # A track that runs over a bright star is lost in its light, hence not all.
    assert found[hit].mean() > 0.95
    far = ~(find(field()) | hit)
    # Neighbours of tracks may be marked at the lower limit: at most as many as the tracks have.
    assert found[far].sum() <= hit.sum()
    # Chance at 4.5 sigma of a Laplacian: fewer than one pixel in ten thousand.
    assert find(field()).mean() < 1e-4


def test_missing_and_known_bad_pixels_are_not_judged():
    image = field()
    unusable = np.zeros(image.shape, bool)
    unusable[100, 60:80] = True
    image[100, 60:80] += 5000.0
    image[30, 30] = np.nan
    found = find(image, unusable)
    assert not found[100, 60:80].any()
    assert not found[30, 30]


def test_a_frame_without_a_usable_pixel_has_no_cosmic_ray():
    image = field(side=40)
    assert not find(image, np.ones(image.shape, bool)).any()


def test_refuses_a_gain_that_cannot_be_and_a_mask_of_another_frame():
    image = field(side=40)
    with pytest.raises(ValueError, match=r"gain is 0"):
        find_cosmic_rays(
            image, np.zeros(image.shape, bool), gain=0, read_noise=1, saturation=np.inf
        )
    with pytest.raises(ValueError, match=r"mask is \(3, 3\)"):
        find(image, np.zeros((3, 3), bool))
