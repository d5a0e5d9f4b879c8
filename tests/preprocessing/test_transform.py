import numpy as np
import pytest

from preprocessing.astrometry.transform import wcs_transform
from tests.preprocessing.synthetic import sip_wcs, tan_wcs

SHAPE = (300, 420)


def places(count=400, seed=1):
    return np.random.default_rng(seed).uniform((0, 0), (SHAPE[1] - 1, SHAPE[0] - 1), (count, 2)).T


@pytest.mark.parametrize("make", [tan_wcs, sip_wcs])
def test_a_frame_maps_onto_itself(make):
    wcs = make(SHAPE)
    assert wcs_transform(wcs, SHAPE, wcs, SHAPE).off_identity(SHAPE) < 1e-4


@pytest.mark.parametrize("angle", [0.0, 12.0, 90.0, 180.0])
@pytest.mark.parametrize("centre", [(150.0, 2.0), (0.01, -30.0), (20.0, 89.97)])
def test_rotation_and_shift_are_followed_everywhere_on_the_sky(angle, centre):
    grid = tan_wcs(SHAPE, centre=centre)
    science = tan_wcs(SHAPE, centre=centre, rotation_deg=angle, shift=(3.3, -2.1))
    x, y = places()
    got = wcs_transform(grid, SHAPE, science, SHAPE)(x, y)
    # both frames share a tangent point: the map is a rotation in closed form
    u, v = x - (SHAPE[1] - 1) / 2, y - (SHAPE[0] - 1) / 2
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    want = (cos * u - sin * v, sin * u + cos * v)
    mirrored = (cos * u + sin * v, -sin * u + cos * v)
    off = [
        np.hypot(got[0] - p - (SHAPE[1] - 1) / 2 - 3.3, got[1] - q - (SHAPE[0] - 1) / 2 + 2.1).max()
        for p, q in (want, mirrored)
    ]
    assert min(off) < 1e-5


def test_sip_distortions_are_inverted_as_astropy_does():
    grid, science = tan_wcs(SHAPE, rotation_deg=5), sip_wcs(SHAPE, shift=(4, 3))
    x, y = places()
    got = np.column_stack(wcs_transform(grid, SHAPE, science, SHAPE)(x, y))
    sky = grid.all_pix2world(np.column_stack([x, y]), 0)
    want = science.all_world2pix(sky, 0, tolerance=1e-8)
    inside = ((want > 0) & (want < (SHAPE[1], SHAPE[0]))).all(axis=1)
    # the distortion moves corners by 3 px; a lattice step is 64 px
    assert np.abs(got - want)[inside].max() < 1e-3


def test_dense_and_scattered_values_agree():
    transform = wcs_transform(tan_wcs(SHAPE), SHAPE, sip_wcs(SHAPE), SHAPE)
    rows, columns = np.arange(10.0, 20.0), np.arange(100.0, 130.0)
    x, y = np.meshgrid(columns, rows)
    assert np.allclose(transform.dense(rows, columns), transform(x, y), rtol=0, atol=1e-9)


def test_the_area_is_the_square_of_the_ratio_of_scales():
    transform = wcs_transform(tan_wcs(SHAPE, scale=0.5), SHAPE, tan_wcs(SHAPE, scale=0.4), SHAPE)
    area = transform.area(np.arange(0.0, 300.0, 50), np.arange(0.0, 400.0, 50))
    # tangent planes scale exactly
    assert np.allclose(area, (0.5 / 0.4) ** 2, rtol=1e-6)


def test_a_moved_map_is_moved():
    transform = wcs_transform(tan_wcs(SHAPE), SHAPE, tan_wcs(SHAPE), SHAPE)
    assert transform.moved(3.0, -4.0).off_identity(SHAPE) == pytest.approx(5.0, abs=1e-6)


def test_a_distortion_that_does_not_invert_is_refused():
    with pytest.raises(ValueError, match="does not invert"):
        wcs_transform(tan_wcs(SHAPE), SHAPE, sip_wcs(SHAPE, strength=5e-4), SHAPE)
