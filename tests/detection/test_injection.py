"""Injected point sources: what the planes hold afterwards, by closed forms."""

import numpy as np
import pytest
from astropy.wcs import WCS

from detection.injection import Sources, inject, random_sources
from differencing.subtraction.subtract import Difference
from preprocessing.calibrated import CalibratedFrame
from preprocessing.photometry.magnitudes import System, ZeroPoint, ZeroPointSource

SIDE, SIGMA = 201, 2.0


def gaussian(sigma, half=12):
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    return np.exp(-(x**2 + y**2) / (2 * sigma**2)).astype(np.float32)


@pytest.fixture
def science():
    flat = np.zeros((SIDE, SIDE), np.float32)
    return CalibratedFrame(flat, flat + 1, flat.astype(np.uint16), WCS(naxis=2), 2.0, np.inf)


@pytest.fixture
def difference():
    flat = np.zeros((SIDE, SIDE), np.float32)
    psf = gaussian(SIGMA)
    return Difference(
        flat, flat, flat, flat + 5, flat.astype(np.uint16), psf / psf.sum(), WCS(naxis=2)
    )


def test_the_planes_hold_flux_and_sigma_of_the_source(science, difference):
    place, flux = (80, 60), 100.0
    source = Sources(*(np.array([float(v)]) for v in (*place, flux, flux / 5)))
    made = inject(science, difference, source)
    changed = made["difference"]
    # the stamp ends at 6 sigma: all but 2e-8 of the light is inside, float32 keeps 1e-7
    assert float(changed.difference.sum(dtype=float)) == pytest.approx(flux, rel=1e-5)
    np.testing.assert_array_equal(made["science"].pixels, changed.difference)
    row, column = np.unravel_index(changed.significance.argmax(), (SIDE, SIDE))
    assert (column, row) == place
    assert changed.significance.max() == pytest.approx(flux / 5, rel=1e-5)
    assert changed.flux.max() == pytest.approx(flux, rel=1e-5)
    # a Gaussian with itself is a Gaussian sqrt(2) wider
    wanted = flux / 5 * gaussian(SIGMA * np.sqrt(2))
    got = changed.significance[60 - 12 : 60 + 13, 80 - 12 : 80 + 13]
    # 1 % of the peak: the stamp's end cuts the wings of the autocorrelation
    np.testing.assert_allclose(got, wanted, atol=0.01 * wanted.max())
    assert difference.difference.max() == 0


def test_sources_stay_clear_of_edges_candidates_masks_and_one_another(difference):
    difference.mask[:, :40] = 1
    taken = np.array([[100.0, 100.0]])
    found = random_sources(difference, taken, 6, 31, seed=3)
    assert len(found.x) >= 3
    assert (found.x >= 40).all()
    for low, high in ((found.x.min(), found.x.max()), (found.y.min(), found.y.max())):
        assert low >= 15
        assert high <= SIDE - 16
    assert (np.hypot(found.x - 100, found.y - 100) > 15).all()
    for one in range(len(found.x)):
        gaps = np.maximum(np.abs(found.x - found.x[one]), np.abs(found.y - found.y[one]))
        assert (np.delete(gaps, one) > 31).all()
    np.testing.assert_allclose(found.flux, found.snr * 5)


def test_one_seed_gives_the_same_sources(difference):
    none = np.zeros((0, 2))
    one, same, other = (random_sources(difference, none, 5, 31, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.x, same.x)
    assert not np.array_equal(one.x, other.x)


def test_a_frame_without_a_free_place_is_refused(difference):
    difference.mask[...] = 1
    with pytest.raises(ValueError, match="no place 15 px from the edges"):
        random_sources(difference, np.zeros((0, 2)), 5, 31, seed=1)


def test_the_true_magnitude_is_by_the_zero_point():
    sources = Sources(*(np.array([v]) for v in (1.0, 1.0, 100.0, 10.0)))
    zero_point = ZeroPoint(25.0, 0.01, ZeroPointSource.HEADER, System.AB)
    assert sources.magnitude(0, zero_point) == pytest.approx(20.0)
