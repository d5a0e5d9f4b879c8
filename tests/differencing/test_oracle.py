"""A whole frame of constant PSF, in tiles, against the paper's equations on the frame at once."""

import numpy as np
import pytest

from differencing.psf.match import FrameMatch
from differencing.psf.model import PsfModel
from differencing.psf.polynomial import Polynomial
from differencing.subtraction.images import Image
from differencing.subtraction.maps import subtract_tiles
from differencing.subtraction.match_noise import MatchNoise
from differencing.subtraction.measure import Pair
from differencing.subtraction.prepare import Plane
from tests.differencing import sky
from tests.differencing.test_zogy import OPTICS, literal_zogy, normalised

SIDE, BORDER = 384, 40


def plane_of(pixels, noise, gain):
    flat = np.full(pixels.shape, noise, np.float32)
    clean = np.zeros(pixels.shape, np.uint16)
    return Plane(pixels, flat, clean, clean != 0, noise, gain, np.inf, sky.SCIENCE)


def model_of(stamps, shape):
    """A PSF that is ``stamps[0]`` in the middle and changes by ``stamps[1:]`` over the field."""
    return PsfModel(np.stack(stamps).astype(float), 1 if len(stamps) == 3 else 0, shape, 9)


def pair_of(science, reference, optics, models):
    planes = (
        plane_of(science, optics.noise_science, optics.gain_science),
        plane_of(reference, optics.noise_reference, optics.gain_reference),
    )
    images = tuple(Image(p.pixels, np.zeros(0, int), np.zeros(0, np.float32)) for p in planes)
    still = Polynomial(np.zeros(1), 0, science.shape)
    matched = FrameMatch(still, still, 0.0, optics.flux_ratio, 0.0, 0.0, 9)
    return Pair(planes, images, models, matched, MatchNoise(0.0, 0.0, 1.0, 0.0), 9)


def noisy_stars(optics, shape):
    rng = np.random.default_rng(71)
    science = rng.normal(0, optics.noise_science, shape)
    reference = rng.normal(0, optics.noise_reference, shape)
    for _ in range(60):
        y, x = (int(rng.integers(17, side - 17)) for side in shape)
        flux = 10 ** rng.uniform(2.5, 4.5)
        window = np.s_[y - 16 : y + 17, x - 16 : x + 17]
        science[window] += optics.flux_ratio * flux * optics.psf_science
        reference[window] += flux * optics.psf_reference
    return science.astype(np.float32), reference.astype(np.float32)


@pytest.fixture(scope="module")
def optics():
    return normalised(OPTICS)


@pytest.mark.parametrize("threads", [1, 3])
def test_tiles_of_a_frame_are_the_equations_on_the_whole_frame(optics, threads):
    shape = (SIDE, SIDE)
    science, reference = noisy_stars(optics, shape)
    models = tuple(model_of([psf], shape) for psf in (optics.psf_science, optics.psf_reference))
    pair = pair_of(science, reference, optics, models)
    maps = subtract_tiles(pair, core=128, threads=threads)
    truth = literal_zogy(science, reference, optics)
    inner = np.s_[BORDER:-BORDER, BORDER:-BORDER]
    error = np.sqrt(truth["variance"])
    # float32 transforms against double, kernels cut off at the border of a tile: 3e-5 of a sigma
    np.testing.assert_allclose(
        maps.flux[inner] / error[inner], truth["significance"][inner], atol=1e-4
    )
    seen = maps.flux[inner] / np.sqrt(maps.variance[inner])
    # photons below zero are cut off: what is left has at least the variance of the sky
    lit = (truth["variance"] > maps.variance.min())[inner]
    assert lit.mean() > 0.3
    np.testing.assert_allclose(seen[lit], truth["significance"][inner][lit], atol=1e-4)
    noise = np.std(truth["difference"][inner])
    np.testing.assert_allclose(
        maps.difference[inner], truth["difference"][inner], atol=1e-4 * noise
    )


@pytest.mark.parametrize("shape", [(300, 400), (401, 259)])
def test_seams_of_tiles_are_lost_in_the_noise(optics, shape):
    """A PSF that grows by ten per cent over the field, in large and in small tiles."""
    science, reference = noisy_stars(optics, shape)
    narrow, wide = (sky.moffat(3.4 * grown, 0.08, 0, 0, 16) for grown in (0.95, 1.05))
    slope = (wide / wide.sum() - narrow / narrow.sum()) / 2
    middle = optics.psf_science
    # from -1 to 1 along the columns; nothing along the rows
    science_model = model_of([middle, 0 * middle, slope], shape)
    pair = pair_of(
        science, reference, optics, (science_model, model_of([optics.psf_reference], shape))
    )
    whole = subtract_tiles(pair, core=max(shape))
    tiles = subtract_tiles(pair, core=100)
    step = tiles.flux / np.sqrt(tiles.variance) - whole.flux / np.sqrt(whole.variance)
    sky_only = tiles.is_blank & whole.is_blank
    assert sky_only.mean() > 0.3
    assert np.std(step[sky_only]) < 0.05


def test_a_source_keeps_its_flux_wherever_in_a_tile_it_is(optics):
    """A PSF that grows by ten per cent from left to right, in a single tile."""
    shape = (300, 400)
    narrow, wide = (sky.moffat(3.4 * grown, 0.08, 0, 0, 16) for grown in (0.95, 1.05))
    slope = (wide / wide.sum() - narrow / narrow.sum()) / 2
    middle = optics.psf_science
    model = model_of([middle, 0 * middle, slope], shape)
    science, flux = np.zeros(shape, np.float32), 5000.0
    places = [(40, 60), (120, 240), (200, 150), (280, 60), (360, 200)]
    for x, y in places:
        science[y - 16 : y + 17, x - 16 : x + 17] += np.float32(flux) * model.at(x, y)
    models = model, model_of([optics.psf_reference], shape)
    maps = subtract_tiles(pair_of(science, np.zeros_like(science), optics, models), core=400)
    seen = np.array([maps.flux[y, x] for x, y in places])
    # kernels end where their share of a flux is 1e-3; the PSF of the middle would be off by 4 %
    np.testing.assert_allclose(seen, flux, rtol=1e-3)
