import numpy as np
import pytest
from scipy.spatial import cKDTree

from preprocessing.masks import MaskBit
from preprocessing.stars import STAR_DTYPE, find_stars, narrow_mode, on_locus, seeing
from tests.preprocessing.synthetic import add_star, expose, scatter_stars, tan_wcs

SHAPE = (400, 500)


def field(seed=1, count=60, **options):
    sky = scatter_stars(SHAPE, count, np.random.default_rng(seed), apart=30)
    return sky, expose(sky, SHAPE, wcs=tan_wcs(SHAPE), seed=seed, **options)


def found_in(frame, **options):
    return find_stars(frame.pixels, frame.noise, frame.mask, gain=frame.gain, **options)


def pair(stars, sky):
    distance, index = cKDTree(np.column_stack([sky.x, sky.y])).query(
        np.column_stack([stars["x"], stars["y"]])
    )
    return distance, index


def test_every_star_is_found_once_and_nothing_else():
    sky, frame = field()
    stars = found_in(frame)
    distance, index = pair(stars, sky)
    assert sorted(index) == list(range(sky.x.size))
    # the faintest has S/N 60: 0.03 px per axis; allow 5
    assert distance.max() < 0.2
    assert (np.diff(stars["snr"]) < 0).mean() > 0.9


def test_position_errors_are_those_stated():
    pulls = []
    for seed in range(4):
        sky, frame = field(seed)
        stars = found_in(frame)
        _, index = pair(stars, sky)
        off = np.stack([stars["x"] - sky.x[index], stars["y"] - sky.y[index]])
        pulls.append(off / stars["position_error"])
    # 480 pulls: standard error of their scatter 1 / sqrt(2 * 480) = 3 %. The formula is that of a
    # Gaussian; a Moffat's wings hold light that it takes for core.
    assert np.std(np.concatenate(pulls, axis=1)) == pytest.approx(1.0, abs=0.15)


def test_the_width_and_flux_of_a_gaussian_are_exact():
    pixels = np.zeros((64, 64))
    add_star(pixels, 31.3, 30.6, 1e5, 3.4, beta=None)
    flat = np.ones((64, 64), np.float32)
    star = find_stars(pixels.astype(np.float32), flat, np.zeros((64, 64), np.uint16))
    assert star["x"][0] == pytest.approx(31.3, abs=1e-3)
    assert star["y"][0] == pytest.approx(30.6, abs=1e-3)
    # pixels widen it: sigma^2 + 1/12, that is 3.466 px
    assert star["fwhm"][0] == pytest.approx(2.3548 * np.hypot(3.4 / 2.3548, 1 / 12**0.5), rel=2e-3)
    assert star["flux"][0] == pytest.approx(1e5, rel=2e-3)
    assert star["ellipticity"][0] < 0.01


@pytest.mark.parametrize("beta", [2.5, 3.0, 4.5])
def test_the_seeing_is_near_the_half_maximum_of_a_moffat(beta):
    pixels = np.zeros((128, 128))
    for x in (32.2, 64.5, 96.8):
        add_star(pixels, x, 50.3, 1e5, 3.4, beta=beta, half=30)
    flat = np.ones(pixels.shape, np.float32)
    stars = find_stars(pixels.astype(np.float32), flat, np.zeros(pixels.shape, np.uint16))
    # pixels add 2 %; the narrow window still sees up to 6 % of wings at beta 2.5
    assert seeing(stars) == pytest.approx(3.4 * 1.03, rel=0.06)


def test_galaxies_and_cosmic_rays_are_not_on_the_locus():
    sky, frame = field(3)
    pixels = frame.pixels.copy()
    rng = np.random.default_rng(4)
    galaxies = rng.uniform(30, 370, (12, 2))
    for x, y in galaxies:
        add_star(pixels, x, y, 5e4, 7.0)
    hits = rng.integers(30, 370, (12, 2))
    for x, y in hits:
        pixels[y, x : x + 6] += 2000
    stars = find_stars(pixels, frame.noise, frame.mask)
    on = stars[stars["is_star"]]
    distance, _ = pair(on, sky)
    # blends of a star with a galaxy may pass
    assert (distance < 1).mean() > 0.95
    assert seeing(stars) == pytest.approx(3.0 * 1.05, rel=0.08)


def test_a_star_with_a_masked_core_is_left_out():
    sky, frame = field(5)
    mask = frame.mask.copy()
    bright = int(np.argmax(sky.flux))
    mask[round(sky.y[bright]), round(sky.x[bright])] = MaskBit.SATURATED
    _, index = pair(find_stars(frame.pixels, frame.noise, mask), sky)
    assert bright not in index
    assert index.size == sky.x.size - 1


def test_only_the_brightest_are_kept():
    sky, frame = field(6)
    _, index = pair(found_in(frame, max_stars=10), sky)
    # noise may swap neighbours in the order of fluxes
    assert set(index) <= set(np.argsort(-sky.flux)[:12])


def test_missing_pixels_do_no_harm():
    _, frame = field(7)
    pixels, mask = frame.pixels.copy(), frame.mask.copy()
    pixels[:, :100] = np.nan
    mask[:, :100] = MaskBit.NO_DATA
    stars = find_stars(pixels, frame.noise, mask)
    assert stars.size > 30
    assert all(np.isfinite(stars[name]).all() for name in STAR_DTYPE.names)


def test_blank_sky_has_no_star_and_no_seeing():
    pixels = np.random.default_rng(8).normal(0, 1, (100, 100)).astype(np.float32)
    stars = find_stars(pixels, np.ones_like(pixels), np.zeros(pixels.shape, np.uint16))
    assert stars.size == 0
    with pytest.raises(ValueError, match="none of 0 objects is a star"):
        seeing(stars)


def test_the_width_of_stars_is_found_among_three_times_as_many_galaxies():
    rng = np.random.default_rng(9)
    galaxies = np.exp(rng.normal(np.log(4.5), 0.25, 180))
    widths = np.concatenate([rng.normal(3.0, 0.05, 60), galaxies])
    # galaxies within 10 % of the stars' width, about 10 of them, draw the median by a few percent
    assert np.exp(narrow_mode(np.log(widths))) == pytest.approx(3.0, rel=0.03)


def test_no_object_has_no_locus():
    assert on_locus(np.zeros(0, STAR_DTYPE)).size == 0
