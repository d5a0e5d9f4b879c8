"""The fast tile arithmetic against the paper's equations written out in double precision."""

from dataclasses import replace

import numpy as np
import pytest

from differencing.subtraction.optics import TileOptics
from differencing.subtraction.tiles import plan_tiles
from differencing.subtraction.zogy import difference_psf, subtract_tile
from tests.differencing.sky import moffat

SIDE = 128
OPTICS = TileOptics(
    psf_science=moffat(3.4, 0.08, 0, 0, 16).astype(np.float32),
    psf_reference=moffat(2.7, 0.02, 0, 0, 16).astype(np.float32),
    noise_science=17.0,
    noise_reference=5.4,
    gain_science=1.5,
    gain_reference=6.0,
    flux_ratio=0.8,
)


def normalised(optics):
    """Make the PSFs sum to exactly 1, as measured ones do."""
    science, reference = optics.psf_science, optics.psf_reference
    return replace(
        optics, psf_science=science / science.sum(), psf_reference=reference / reference.sum()
    )


def centred(stamp, side):
    """Put a stamp on a grid with its centre in the corner, as cyclic convolution wants it."""
    grid = np.zeros((side, side))
    grid[: stamp.shape[0], : stamp.shape[1]] = stamp
    half = stamp.shape[0] // 2
    return np.fft.fft2(np.roll(grid, (-half, -half), (0, 1)))


def literal_zogy(science, reference, optics):
    """Zackay, Ofek & Gal-Yam 2016: every equation as printed, complex, double precision."""
    side = science.shape[0]
    n, r = np.fft.fft2(science.astype(float)), np.fft.fft2(reference.astype(float))
    p_n, p_r = centred(optics.psf_science, side), centred(optics.psf_reference, side)
    f_n, f_r = optics.flux_ratio, 1.0
    s_n, s_r = optics.noise_science, optics.noise_reference
    denominator = s_n**2 * f_r**2 * np.abs(p_r) ** 2 + s_r**2 * f_n**2 * np.abs(p_n) ** 2
    d = (f_r * p_r * n - f_n * p_n * r) / np.sqrt(denominator)  # eq. 13
    f_d = f_r * f_n / np.sqrt(s_n**2 * f_r**2 + s_r**2 * f_n**2)  # eq. 15
    p_d = f_r * f_n * p_r * p_n / (f_d * np.sqrt(denominator))  # eq. 14
    s = np.fft.ifft2(f_d * d * np.conj(p_d)).real  # eq. 17
    k_n = np.fft.ifft2(f_n * f_r**2 * np.conj(p_n) * np.abs(p_r) ** 2 / denominator).real
    k_r = np.fft.ifft2(f_r * f_n**2 * np.conj(p_r) * np.abs(p_n) ** 2 / denominator).real
    v_n = np.fft.ifft2(
        np.fft.fft2(science / optics.gain_science + s_n**2) * np.fft.fft2(k_n**2)
    ).real
    v_r = np.fft.ifft2(
        np.fft.fft2(reference / optics.gain_reference + s_r**2) * np.fft.fft2(k_r**2)
    ).real
    f_s = (f_n**2 * f_r**2 * np.abs(p_n) ** 2 * np.abs(p_r) ** 2 / denominator).sum() / side**2
    return {
        "difference": np.fft.ifft2(d).real * f_n / f_d,
        "flux": s / f_s * f_n,
        "variance": (v_n + v_r) * (f_n / f_s) ** 2,
        "significance": s / np.sqrt(v_n + v_r),
        "psf": np.fft.ifft2(p_d).real,
    }


@pytest.fixture(scope="module")
def optics():
    return normalised(OPTICS)


@pytest.fixture(scope="module")
def tile(optics):
    rng = np.random.default_rng(3)
    science = rng.normal(0, optics.noise_science, (SIDE, SIDE))
    reference = rng.normal(0, optics.noise_reference, (SIDE, SIDE))
    for x, y, flux in ((40, 50, 3e4), (90, 30, 2e3), (70, 100, 8e3)):
        window = np.s_[y - 16 : y + 17, x - 16 : x + 17]
        science[window] += 0.8 * flux * optics.psf_science
        reference[window] += flux * optics.psf_reference
    science[74 - 16 : 74 + 17, 54 - 16 : 54 + 17] += 4000 * optics.psf_science
    return science.astype(np.float32), reference.astype(np.float32)


@pytest.fixture(scope="module")
def products(tile, optics):
    return subtract_tile(*tile, optics)


@pytest.fixture(scope="module")
def truth(tile, optics):
    return literal_zogy(*tile, optics)


def variance_of(products, optics):
    sky = products.sky_gain_science * optics.noise_science**2
    sky += products.sky_gain_reference * optics.noise_reference**2
    return products.source_variance + sky


def test_difference_is_that_of_the_paper(products, truth):
    # float32 transforms against double, and a floor of 1e-7 of the power under the denominator:
    # 1e-3 of the largest value leaves room for both
    largest = np.abs(truth["difference"]).max()
    np.testing.assert_allclose(products.difference, truth["difference"], atol=1e-3 * largest)


def test_flux_map_is_that_of_the_paper(products, truth):
    flux = products.score_science - products.score_reference
    np.testing.assert_allclose(flux, truth["flux"], atol=1e-3 * np.abs(truth["flux"]).max())


def test_significance_with_source_noise_is_that_of_the_paper(products, truth, optics):
    flux = products.score_science - products.score_reference
    significance = flux / np.sqrt(variance_of(products, optics))
    # kernels are kept to twice the PSF stamp; what they lose is below 1e-3 sigma
    np.testing.assert_allclose(significance, truth["significance"], atol=2e-3)


def test_new_source_has_its_flux_and_its_expected_significance(products, optics):
    flux = (products.score_science - products.score_reference)[74, 54]
    error = np.sqrt(variance_of(products, optics)[74, 54])
    # within 4 of its own errors of the injected flux
    assert flux == pytest.approx(4000, abs=4 * float(error))
    assert error < 0.05 * 4000


def test_psf_of_the_difference_is_that_of_the_paper(optics, truth):
    stamp = difference_psf(optics)
    middle = np.roll(truth["psf"], (16, 16), (0, 1))[:33, :33]
    # the tails beyond the stamp, cut off before it is scaled to sum 1
    np.testing.assert_allclose(stamp, middle, atol=2e-3 * middle.max())
    assert stamp.sum() == pytest.approx(1, abs=1e-5)


def test_white_noise_gives_a_significance_of_unit_scatter(optics):
    rng = np.random.default_rng(11)
    science = rng.normal(0, optics.noise_science, (512, 512)).astype(np.float32)
    reference = rng.normal(0, optics.noise_reference, (512, 512)).astype(np.float32)
    products = subtract_tile(science, reference, optics)
    flux = products.score_science - products.score_reference
    variance = products.sky_gain_science * optics.noise_science**2
    variance += products.sky_gain_reference * optics.noise_reference**2
    # a beam is about 20 px, so 512^2 px hold 13000 independent values: 1/sqrt(2 N) = 0.006
    assert np.std(flux) / np.sqrt(variance) == pytest.approx(1.0, abs=0.02)
    assert np.std(products.difference[8:-8, 8:-8]) > 0


def test_difference_of_white_noise_is_white(optics):
    rng = np.random.default_rng(12)
    science = rng.normal(0, optics.noise_science, (256, 256)).astype(np.float32)
    reference = rng.normal(0, optics.noise_reference, (256, 256)).astype(np.float32)
    difference = subtract_tile(science, reference, optics).difference
    neighbours = np.corrcoef(difference[:, 1:].ravel(), difference[:, :-1].ravel())[0, 1]
    # 1/sqrt(65000) = 0.004 from chance; the rest is the floor under the highest frequencies
    assert abs(neighbours) < 0.02


def test_swapping_the_images_changes_only_sign_and_scale(tile, optics):
    swapped = TileOptics(
        psf_science=optics.psf_reference,
        psf_reference=optics.psf_science,
        noise_science=optics.noise_reference,
        noise_reference=optics.noise_science,
        gain_science=optics.gain_reference,
        gain_reference=optics.gain_science,
        flux_ratio=1 / optics.flux_ratio,
    )
    there, back = subtract_tile(*tile, optics), subtract_tile(tile[1], tile[0], swapped)
    flux = there.score_science - there.score_reference
    reverse = back.score_science - back.score_reference
    # the same float32 numbers in another order
    scale = np.abs(flux).max()
    np.testing.assert_allclose(-reverse * optics.flux_ratio, flux, atol=1e-4 * scale)


def test_moves_the_reference_by_the_given_shift(optics):
    blank = np.zeros((SIDE, SIDE), np.float32)
    science, reference = blank.copy(), blank.copy()
    science[64 - 16 : 64 + 17, 60 - 16 : 60 + 17] = 0.8e4 * optics.psf_science
    reference[61 - 16 : 61 + 17, 65 - 16 : 65 + 17] = 1e4 * optics.psf_reference
    moved = replace(optics, shift_x=-5.0, shift_y=3.0)
    products = subtract_tile(science, reference, moved)
    flux = products.score_science - products.score_reference
    # noiseless: float32 rounding of a flux of 8000
    assert np.abs(flux).max() < 0.1


@pytest.mark.parametrize("shape", [(64, 64), (65, 131), (700, 300), (513, 1025)])
def test_tiles_cover_every_pixel_once(shape):
    seen = np.zeros(shape, int)
    image = np.arange(shape[0] * shape[1], dtype=np.float32).reshape(shape)
    for tile in plan_tiles(shape, core=256, border=32):
        seen[tile.core] += 1
        square = tile.square(image)
        np.testing.assert_array_equal(square[tile.inner], image[tile.core])
        assert square.shape[0] % 2 == 0
    assert (seen == 1).all()
