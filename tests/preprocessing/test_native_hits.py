import numpy as np
import pytest

from preprocessing.astrometry.register import stars_of
from preprocessing.hits import fall_of
from preprocessing.masks import MaskBit
from preprocessing.native_hits import mark_hits, sharpest_fall
from preprocessing.parameters import PreprocessParameters
from preprocessing.prepare import calibrate, onto_grid
from tests.preprocessing.synthetic import add_star, tan_wcs

SHAPE = (400, 420)
SKY, GAIN, READ_NOISE, SATURATION = 400.0, 1.5, 6.0, 40000.0
PARAMETERS = PreprocessParameters()


def places(count, rng, gap=22.0):
    """Places (x, y) at least ``gap`` px apart and 20 px from the edge."""
    found = np.empty((0, 2))
    while len(found) < count:
        place = rng.uniform(20, (SHAPE[1] - 20, SHAPE[0] - 20))
        if not len(found) or np.hypot(*(found - place).T).min() > gap:
            found = np.vstack([found, place])
    return found


def observe(light, rng, *, wcs=None, spoil=lambda pixels: None):
    """Expose noiseless ``light`` and calibrate it; ``spoil`` changes the raw pixels."""
    pixels = rng.poisson((light + SKY) * GAIN) / GAIN + rng.normal(0, READ_NOISE / GAIN, SHAPE)
    spoil(pixels)
    return calibrate(
        np.minimum(pixels, SATURATION),
        wcs=tan_wcs(SHAPE) if wcs is None else wcs,
        gain=GAIN,
        read_noise=READ_NOISE,
        saturation=SATURATION,
        parameters=PARAMETERS,
    )


def field(fwhm, rng, count=90, faintest=1e3, brightest=3e6):
    light = np.zeros(SHAPE)
    for x, y in places(count, rng):
        add_star(light, x, y, np.exp(rng.uniform(np.log(faintest), np.log(brightest))), fwhm)
    return light


def marked(frame):
    found = mark_hits(frame, stars_of(frame, PARAMETERS))
    return (found.mask & MaskBit.COSMIC_RAY) != 0


@pytest.mark.parametrize("fwhm", [1.8, 2.7, 4.0, 6.0])
def test_the_fall_of_the_sharpest_star_is_measured_on_stars_centred_anywhere(fwhm):
    frame = observe(field(fwhm, np.random.default_rng(1)), np.random.default_rng(2))
    stamp = np.zeros((41, 41))
    add_star(stamp, 20, 20, 1.0, fwhm)
    # the light of a pixel is allowed to be 10 % off in what follows; half of it here
    found = sharpest_fall(frame, stars_of(frame, PARAMETERS))
    assert found == pytest.approx(fall_of(stamp), rel=0.05)


@pytest.mark.parametrize("fwhm", [1.8, 2.2, 3.4])
def test_no_star_is_marked_however_bright_or_sharp(fwhm):
    # up to 3e6 ADU: several are saturated and have spoilt what is beside them
    frame = observe(field(fwhm, np.random.default_rng(3)), np.random.default_rng(4))
    assert (frame.mask & MaskBit.SATURATED).any()
    assert not marked(frame).any()


@pytest.mark.parametrize("fwhm", [1.8, 3.4])
def test_no_new_point_source_is_marked(fwhm):
    rng = np.random.default_rng(5)
    noise = np.sqrt(SKY / GAIN + (READ_NOISE / GAIN) ** 2)
    # a Gaussian's PSF fit collects the noise of 4 pi sigma^2 pixels
    one_sigma = noise * np.sqrt(4 * np.pi) * fwhm / 2.3548
    light = np.zeros(SHAPE)
    for x, y in places(150, rng):
        add_star(light, x, y, one_sigma * np.exp(rng.uniform(np.log(5), np.log(100))), fwhm)
    for x, y in places(20, rng):  # what the sharpness is measured on
        add_star(light, x, y, 1e5, fwhm)
    assert not marked(observe(light, rng)).any()


def test_nothing_is_marked_beside_a_dead_column():
    def spoil(pixels):
        pixels[:, 100::60] = 0.0

    rng = np.random.default_rng(6)
    assert not marked(observe(field(3.0, rng), rng, spoil=spoil)).any()


def test_hits_are_marked_before_a_frame_is_interpolated_and_leave_no_light():
    rng = np.random.default_rng(7)
    shift = (0.5, 0.3)
    stars = [(x, y, np.exp(rng.uniform(np.log(2e3), np.log(1e5)))) for x, y in places(80, rng)]
    grid_light, light = np.zeros((2, *SHAPE))
    for x, y, flux in stars:
        add_star(grid_light, x, y, flux, 3.0)
        add_star(light, x + shift[0], y + shift[1], flux, 3.0)
    hit = np.zeros(SHAPE, bool)
    steps = np.arange(6)
    for row, column in rng.integers(40, 360, (15, 2)):
        hit[row + steps // 2, column + steps] = True

    def strike(pixels):
        pixels[hit] += 600.0  # 35 sigma

    grid = observe(grid_light, rng)
    struck = observe(light, rng, spoil=strike, wcs=tan_wcs(SHAPE, shift=shift))
    moved, registration = onto_grid(struck, grid, PARAMETERS)
    assert not registration.is_identity
    # half a pixel on, a hit lies beside or on the pixel it struck; stars would hide it
    dark = hit & (light < 5)
    assert ((moved.mask[dark] & MaskBit.COSMIC_RAY) != 0).all()
    good = (moved.mask == 0) & (grid_light < 5)
    # 1.5e5 pixels of noise reach 4.5 sigma; stars below 5 ADU and ringing add less than one
    assert (np.abs(moved.pixels[good]) < 6 * moved.noise[good]).all()


def test_a_frame_on_its_grid_is_left_as_it_is():
    def strike(pixels):
        pixels[200, 210] += 3000.0

    rng = np.random.default_rng(9)
    light = field(3.0, rng, brightest=1e5)
    moved, registration = onto_grid(
        observe(light, rng, spoil=strike), observe(light, rng), PARAMETERS
    )
    assert registration.is_identity
    assert not (moved.mask & MaskBit.COSMIC_RAY).any()


def test_a_frame_without_a_star_that_tells_is_given_as_it_is():
    rng = np.random.default_rng(8)
    frame = observe(np.zeros(SHAPE), rng)
    none = stars_of(observe(field(3.0, rng), rng), PARAMETERS)[:0]
    assert mark_hits(frame, none) is frame
