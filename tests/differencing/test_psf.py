from dataclasses import replace

import numpy as np
import pytest

from differencing.psf.fit import fit_psf
from differencing.psf.model import LEAST_REST, STAR_REST, PsfModel, stamp_fwhm
from differencing.psf.sample import StarSample, sample_stars
from differencing.psf.shape_modes import WIDTH, shape_modes
from differencing.psf.stamps import Stamps, radii
from differencing.psf.stars import detect_sources, select_stars
from differencing.subtraction.prepare import Plane
from tests.differencing.sky import (
    SATURATION,
    SCIENCE,
    frame,
    moffat,
    observe,
    place,
    spread_out,
    star_field,
)

SHAPE = (512, 640)


def measure(plane, *, max_degree=2):
    sources = detect_sources(
        plane.pixels, plane.sigma, plane.bad, threshold=20.0, ceiling=0.6 * SATURATION
    )
    stars = select_stars(sources, plane.shape, margin=8)
    sample = sample_stars(plane.pixels, plane.bad, sources, stars, half=16, limit=300)
    return fit_psf(
        sample, noise=plane.sigma, gain=plane.gain, shape=plane.shape, max_degree=max_degree
    )


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(21)
    exposure = observe(SHAPE, SCIENCE, star_field(SHAPE, 260, rng), rng)
    return measure(Plane.of(exposure, "science"))


def test_psf_is_that_of_the_injected_stars(model):
    truth = moffat(SCIENCE.fwhm, SCIENCE.ellipticity, 0, 0, 16)
    for x, y in ((320, 256), (120, 400), (500, 100)):
        # 29 stars of S/N 30 to 1000 and a linear change over the field: 1 % of the peak near
        # the middle, three times that where few stars are
        np.testing.assert_allclose(model.at(x, y), truth, atol=0.04 * truth.max())


def test_psf_sums_to_one_anywhere(model):
    assert model.at(0, 0).sum() == pytest.approx(1, abs=1e-5)
    assert model.at(639, 511).sum() == pytest.approx(1, abs=1e-5)


def test_width_of_a_stamp_is_its_width():
    offset = np.arange(-20, 21)
    for fwhm in (2.2, 3.4, 6.0):
        sigma = fwhm / np.sqrt(8 * np.log(2))
        stamp = np.exp(-(offset[:, None] ** 2 + offset**2) / (2 * sigma**2))
        # an area of pixels counted on a five times finer grid: good to 2 %
        assert stamp_fwhm(stamp) == pytest.approx(fwhm, rel=0.02)


def test_psf_follows_a_width_that_grows_across_the_field():
    rng = np.random.default_rng(22)
    image = np.zeros(SHAPE)
    for x, y, flux in star_field(SHAPE, 200, rng):
        width = 3.0 + 0.8 * x / SHAPE[1]
        column, row = round(x), round(y)
        place(image, flux * moffat(width, 0.0, x - column, y - row, 20), column, row)
    image += rng.normal(0, 10, SHAPE)
    model = measure(Plane.of(frame(image, SCIENCE), "science"))
    # 0.8 px over the frame, each width good to some 2 %
    for x in (40, 600):
        truth = stamp_fwhm(moffat(3.0 + 0.8 * x / SHAPE[1], 0.0, 0, 0, 16))
        assert stamp_fwhm(model.at(x, 256)) == pytest.approx(truth, rel=0.03)


def test_a_matched_filter_loses_as_much_flux_as_its_psf_is_too_narrow():
    def gaussian(width):
        offset = np.arange(-20, 21)
        stamp = np.exp(-(offset[:, None] ** 2 + offset**2) / (2 * width**2))
        return stamp / stamp.sum()

    for wrong in (-0.03, 0.02):
        known, truth = gaussian(2.0 * (1 + wrong)), gaussian(2.0)
        share = (known * truth).sum() / (known**2).sum()
        # to first order: 0.03^2 is left, and as much for the pixels
        assert share - 1 == pytest.approx(wrong, abs=0.002)
    exact = replace(PsfModel(gaussian(2.0)[None], 0, SHAPE, 9), width_covariance=np.zeros((6, 6)))
    off = replace(exact, width_covariance=np.diag([0.03**2, 0, 0, 0, 0, 0]))
    # nine stars
    assert exact.flux_error == pytest.approx(np.hypot(STAR_REST / 3, LEAST_REST))
    assert off.flux_error == pytest.approx(np.hypot(0.03, exact.flux_error))


def test_few_stars_tell_how_far_off_the_fluxes_by_their_psf_are():
    """A dozen frames of ten stars whose width changes by five per cent over each."""
    rng = np.random.default_rng(25)
    pulls = []
    for _ in range(12):
        slope = rng.normal(0, 0.05, 2)

        def fwhm(x, y, slope=slope):
            return 3.4 * (1 + slope @ (2 * x / SHAPE[1] - 1, 2 * y / SHAPE[0] - 1))

        image = rng.normal(0, 17, SHAPE)
        places = spread_out(SHAPE, 10, rng, np.empty((0, 2)), gap=60.0)
        for (x, y), flux in zip(places, 10 ** rng.uniform(3.6, 4.6, 10), strict=True):
            column, row = round(x), round(y)
            place(image, flux * moffat(fwhm(x, y), 0.0, x - column, y - row, 24), column, row)
        model = measure(Plane.of(frame(image, SCIENCE), "science"))
        assert model.n_stars <= 10
        for x, y in ((128, 100), (512, 100), (320, 256), (128, 400), (512, 400)):
            known, truth = model.at(x, y), moffat(fwhm(x, y), 0.0, 0, 0, 16)
            off = (known * truth).sum() / (known**2).sum() - 1
            pulls.append(off / model.flux_error)
    # some three independent values a frame: the rms of 36 is known to 12 %, three of them; without
    # the faint neighbours that stars have in the sky it is below 1
    assert 0.5 < np.sqrt(np.mean(np.square(pulls))) < 1.36


def test_galaxies_do_not_widen_the_psf():
    rng = np.random.default_rng(23)
    stars = star_field(SHAPE, 160, rng)
    image = np.zeros(SHAPE)
    for kind, (x, y, flux) in enumerate(stars):
        width = SCIENCE.fwhm if kind % 4 else 5.5
        column, row = round(x), round(y)
        place(image, flux * moffat(width, 0.0, x - column, y - row, 30), column, row)
    image += rng.normal(0, 10, SHAPE)
    model = measure(Plane.of(frame(image, SCIENCE), "science"))
    # every fourth source is wider by 60 %: a PSF of all of them would be so by 15 %
    assert model.fwhm == pytest.approx(stamp_fwhm(moffat(SCIENCE.fwhm, 0.0, 0, 0, 16)), rel=0.02)


def test_a_dozen_stars_show_a_width_that_grows_across_the_field():
    rng = np.random.default_rng(24)
    image = np.zeros(SHAPE)
    for index in range(14):
        x, y = 60 + 520 * (index % 5) / 4 + rng.uniform(-9, 9), 90 + 160 * (index // 5)
        column, row = round(x), round(y)
        stamp = moffat(3.0 + 0.5 * x / SHAPE[1], 0.0, x - column, y - row, 20)
        place(image, rng.uniform(1e4, 8e4) * stamp, column, row)
    image += rng.normal(0, 10, SHAPE)
    model = measure(Plane.of(frame(image, SCIENCE), "science"))
    assert model.n_stars >= 12
    # stars of S/N 200 and more: each width good to 0.5 %; the prior pulls by another 1 %
    for x in (80, 560):
        truth = stamp_fwhm(moffat(3.0 + 0.5 * x / SHAPE[1], 0.0, 0, 0, 16))
        assert stamp_fwhm(model.at(x, 256)) == pytest.approx(truth, rel=0.02)


def test_a_bright_neighbour_below_detection_leaves_the_wings_alone():
    rng = np.random.default_rng(25)
    image = np.zeros(SHAPE)
    for index in range(12):
        x, y = 60 + 520 * (index % 4) / 3 + rng.uniform(-9, 9), 90 + 160 * (index // 4)
        column, row = round(x), round(y)
        stamp = moffat(SCIENCE.fwhm, 0.0, x - column, y - row, 20)
        place(image, (3e5 if index == 5 else 3e4) * stamp, column, row)
        if index == 5:  # the brightest star carries the wings; a wide faint disc lies on its side
            image[row - 12 : row + 13, column + 7 : column + 20] += 30.0
    image += rng.normal(0, 10, SHAPE)
    model = measure(Plane.of(frame(image, SCIENCE), "science"))
    truth = moffat(SCIENCE.fwhm, 0.0, 0, 0, 16)
    wings = radii(16) > 8
    # the disc holds 3 % of the star's light, ten times what the wings have
    assert model.at(320, 250)[wings].sum() == pytest.approx(truth[wings].sum(), abs=0.01)


@pytest.mark.parametrize("flux", [2e4, 1e6])
def test_wings_come_from_the_core_of_faint_stars_and_from_bright_stars_themselves(flux):
    half, noise, side = 16, 18.0, 33
    rng = np.random.default_rng(26)
    core, disc = moffat(3.4, 0.0, 0.0, 0.0, half), radii(half)
    # a halo that no Moffat profile of the core foretells: 2 % of the light, evenly from 8 to 13 px
    halo = np.where((disc > 8) & (disc < 13), 1.0, 0.0)
    halo *= (0.02 if flux > 1e5 else 0.0) / halo.sum()
    pixels = flux * (core + halo) + rng.normal(0, noise, (6, side, side))
    sample = StarSample(
        Stamps(pixels, np.ones(pixels.shape, bool)), *rng.uniform(20, 380, (2, 6)), np.full(6, flux)
    )
    model = fit_psf(sample, noise=noise, gain=1.5, shape=(400, 400), max_degree=0)
    seen, wings = model.at(200, 200), disc > 8
    truth = (core + halo) / (core + halo).sum()
    # the sum of 690 pixels of six stars is known to 1 % of a faint star's light: an error that is
    # to be three times less. The halo is to be there to a tenth.
    assert seen[wings].sum() == pytest.approx(
        truth[wings].sum(), abs=0.003 if flux < 1e5 else 0.002
    )


def test_a_star_without_a_good_pixel_tells_nothing_and_spoils_nothing():
    rng = np.random.default_rng(8)
    profile = moffat(3.4, 0.06, 0.0, 0.0, 15)
    flux = rng.uniform(1e4, 5e4, 12)
    pixels = flux[:, None, None] * profile + rng.normal(0, 10.0, (12, 31, 31))
    good = np.ones(pixels.shape, bool)
    good[3] = False
    x, y = rng.uniform(20, 380, (2, 12))
    lost = fit_psf(
        StarSample(Stamps(pixels, good), x, y, flux),
        noise=10.0,
        gain=1.5,
        shape=(400, 400),
        max_degree=1,
    )
    assert np.isfinite(lost.coefficients).all()
    # eleven stars of S/N 100 and more: a per cent each, a half together
    assert lost.fwhm == pytest.approx(stamp_fwhm(profile), rel=0.02)


def test_the_mode_of_width_is_what_a_wider_psf_has_more():
    narrow, profile, wide = (moffat(4.0 * (1 + by), 0.0, 0, 0, 16) for by in (-0.01, 0, 0.01))
    # the pixel, a square of 1 px, does not widen with the star: 1/12 / (4 / 2.35)^2 = 3 % less
    np.testing.assert_allclose(
        shape_modes(profile)[WIDTH], (wide - narrow) / 0.02, atol=0.05 * 2 * profile.max()
    )


@pytest.mark.parametrize("seed", range(4))
def test_one_bright_star_among_faint_ones_makes_the_psf_and_is_not_refused(seed):
    rng = np.random.default_rng(seed)
    profile = moffat(3.4, 0.06, 0.0, 0.0, 16)
    flux = np.where(np.arange(15) == 0, 3e5, 3e3)
    pixels = flux[:, None, None] * profile
    pixels += rng.normal(0, 1, pixels.shape) * np.sqrt(17.0**2 + pixels / 1.5)
    x, y = rng.uniform(20, 480, (2, 15))
    sample = StarSample(Stamps(pixels, np.ones(pixels.shape, bool)), x, y, flux)
    model = fit_psf(sample, noise=17.0, gain=1.5, shape=SHAPE, max_degree=2)
    assert model.n_stars == 15
    # the S/N of its peak pixel is 130, of a faint one 7: 2 % together, twice that without it
    truth = profile / profile.sum()
    assert model.at(x[0], y[0])[16, 16] == pytest.approx(truth[16, 16], rel=0.025)
