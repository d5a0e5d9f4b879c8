from dataclasses import replace

import numpy as np
import pytest

from differencing import product
from differencing.algorithms import ALGORITHMS, subtract_with
from differencing.extraction.extract import extract
from differencing.kernels.kernel import KernelSample, fit_kernel, gaussian_basis
from differencing.parameters import Algorithm, DifferenceParameters
from differencing.psf.stamps import Stamps
from tests.differencing import sky
from tests.differencing.test_subtract import blank_by_truth

CLASSIC = DifferenceParameters(algorithm=Algorithm.CLASSIC, tile=256)
FORTH, BACK = "reference convolved", "science convolved"


@pytest.fixture(scope="module", params=[FORTH, BACK])
def made(request, scene):
    """The scene subtracted by a fitted kernel, and the same with the frames exchanged."""
    frames = (scene.science, scene.reference)
    if request.param == BACK:
        frames = frames[::-1]
    return request.param, frames, subtract_with(*frames, CLASSIC)


def measured(scene, made):
    """Fluxes, errors and true fluxes of the new sources, in the ADU of the science frame."""
    name, frames, difference = made
    where, flux = scene.seen(scene.new)
    if name == BACK:
        where, flux = scene.new[:, :2], -scene.new[:, 2]
    found = extract(difference, *frames, threshold=5.0)
    apart = np.hypot(found["x"][:, None] - where[:, 0], found["y"][:, None] - where[:, 1])
    nearest = apart.argmin(axis=0)
    assert (apart.min(axis=0) < 1.5).all()
    return found["flux"][nearest], found["flux_error"][nearest], flux


def test_the_sharper_frame_is_convolved(made):
    name, _, difference = made
    assert difference.figures["convolves_science"] == (name == BACK)


def test_blank_sky_scatters_by_one_sigma(scene, made):
    blank = blank_by_truth(scene)
    # 9000 beams of some 30 px know a standard deviation to 0.75 %; allow 4 of these
    assert made[2].significance[blank].std() == pytest.approx(1.0, abs=0.03)
    # the noise carried through the kernel is right before it is scaled to what is seen
    assert made[2].figures["noise_scale"] == pytest.approx(1.0, abs=0.03)


def test_noise_coloured_by_the_kernel_is_made_white_again():
    shape = (300, 320)
    rng = np.random.default_rng(6)
    stars = sky.star_field(shape, 60, rng, brightest=6e4)
    shallow = replace(sky.REFERENCE, sky=2000.0, gain=1.5)  # three times the noise of the science
    frames = [sky.observe(shape, kind, stars, rng) for kind in (sky.SCIENCE, shallow)]
    difference = subtract_with(*frames, CLASSIC)
    blank = np.isfinite(difference.difference) & (difference.mask == 0)
    for kind in (sky.SCIENCE, shallow):
        blank &= sky.render(shape, kind, stars) < 0.2 * kind.noise
    image = np.where(blank, difference.difference, np.nan)
    for axis in (0, 1):
        correlation = np.nanmean(image * np.roll(image, 1, axis)) / np.nanmean(image**2)
        # 8e4 px know it to 0.004; left coloured it would be 0.25; the PSFs and the kernel that
        # whiten it are known to a per cent or two
        assert abs(correlation) < 0.02
    assert difference.significance[blank].std() == pytest.approx(1.0, abs=0.06)  # 2000 beams


def test_new_sources_come_back_with_their_flux(scene, made):
    seen, error, flux = measured(scene, made)
    pulls = (seen - flux) / error
    # 34 pulls know their mean to 0.17 and their width to 0.12; PSF stamps that end at 16 px miss
    # 1.5 % of a Moffat's light, up to 0.5 sigma at S/N 35
    assert np.mean(pulls * np.sign(flux)) == pytest.approx(-0.25, abs=0.7)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.4)


def test_fluxes_agree_with_those_of_proper_subtraction(scene, made):
    name, frames, _ = made
    proper = subtract_with(*frames, DifferenceParameters(tile=256))
    seen, error, _ = measured(scene, made)
    same, _, _ = measured(scene, (name, frames, proper))
    # the same pixels: only what the kernel and the PSFs each miss is different, 1 to 2 % of light
    assert np.abs((seen - same) / error).max() < 0.5
    assert np.median(seen / same) == pytest.approx(1.0, abs=0.015)


def test_static_stars_leave_nothing(scene, made):
    name, _, difference = made
    known = np.zeros(difference.significance.shape, bool)
    for sources in (scene.new, scene.gone):
        places = sources[:, :2] if name == BACK else scene.seen(sources)[0]
        for x, y in places:
            known[int(y) - 12 : int(y) + 13, int(x) - 12 : int(x) + 13] = True
    assert np.nanmax(np.abs(difference.significance[~known])) < 5.5


def test_product_says_what_made_it(made):
    stored = product.from_fits(product.to_fits(made[2]))
    assert stored.algorithm == Algorithm.CLASSIC
    assert stored.figures == made[2].figures


def test_every_algorithm_that_can_be_chosen_exists():
    assert set(ALGORITHMS) == set(Algorithm)


def test_unknown_algorithm_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="algorithm is 'sfft': there are zogy, classic, hotpants"):
        DifferenceParameters(algorithm="sfft")


def stamps_of(images):
    return Stamps(images, np.ones(images.shape, bool))


def sample_with(kernel_at, rng, count=60, half=8, reach=9):
    """Noise as sharp images and its exact convolutions as broad ones."""
    x, y = rng.uniform(0, 400, (2, count))
    sharp = rng.normal(0, 1, (count, 2 * (half + reach) + 1, 2 * (half + reach) + 1))
    windows = np.lib.stride_tricks.sliding_window_view(sharp, (2 * half + 1,) * 2, axis=(1, 2))
    broad = np.stack(
        [
            np.tensordot(view, kernel_at(a, b)[::-1, ::-1], axes=2)
            for view, a, b in zip(windows, x, y, strict=True)
        ]
    )
    tiny = (1e-3, 1e-3)
    return KernelSample(stamps_of(broad), stamps_of(sharp), x, y, tiny, (1e9, 1e9))


def test_kernel_within_the_basis_is_recovered_exactly():
    basis = gaussian_basis(1.3, 8)

    def truth(x, y):
        return 0.9 * basis[0] + (0.2 + 0.1 * x / 400) * basis[3] - 0.15 * y / 400 * basis[7]

    sample = sample_with(truth, np.random.default_rng(1))
    model = fit_kernel(sample, sigma=1.3, half=8, shape=(400, 400), max_degree=2)
    assert model.total == pytest.approx(0.9, abs=1e-3)
    for x, y in ((40, 40), (200, 350), (390, 10)):
        # the noise put in is 1e-3 of a pixel
        np.testing.assert_allclose(model.at(x, y), truth(x, y), atol=1e-3 * basis[0].max() * 10)


def test_a_variable_star_does_not_bend_the_kernel():
    basis = gaussian_basis(1.3, 8)
    sample = sample_with(lambda _x, _y: basis[0], np.random.default_rng(2))
    pixels = sample.broad.pixels.copy()
    pixels[::10] *= 1.5
    varied = replace(sample, broad=replace(sample.broad, pixels=pixels))
    model = fit_kernel(varied, sigma=1.3, half=8, shape=(400, 400), max_degree=2)
    assert model.n_stars == 54
    assert model.total == pytest.approx(1.0, abs=1e-3)


def test_all_kernels_but_the_first_keep_the_flux():
    basis = gaussian_basis(1.1, 9)
    assert basis.sum(axis=(1, 2)) == pytest.approx([1.0] + [0.0] * (len(basis) - 1), abs=1e-12)


def test_refuses_frames_in_which_no_star_has_a_whole_stamp():
    rng = np.random.default_rng(3)
    stars = np.array([[8.2, 10.1, 2e4], [55.7, 10.4, 3e4], [10.3, 56.2, 1.5e4], [57.1, 54.0, 2e4]])
    frames = [sky.observe((66, 66), kind, stars, rng) for kind in (sky.SCIENCE, sky.REFERENCE)]
    with pytest.raises(ValueError, match="a kernel cannot be fitted"):
        subtract_with(*frames, CLASSIC)
