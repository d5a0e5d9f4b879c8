from dataclasses import replace

import numpy as np
import pytest
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st

from preprocessing.footprint import pixel_scale_arcsec
from preprocessing.parameters import PreprocessParameters
from preprocessing.register import grid_of, register
from tests.preprocessing.synthetic import expose, frame_of, scatter_stars, sip_wcs, tan_wcs

SHAPE = (360, 400)
PARAMETERS = PreprocessParameters()
SKY = scatter_stars(SHAPE, 80, np.random.default_rng(11))
REFERENCE = expose(SKY, SHAPE, wcs=tan_wcs(SHAPE), seed=1, fwhm=2.7)
GRID = grid_of(REFERENCE, PARAMETERS)


def photographed(place, wcs=None, **options):
    return expose(SKY, SHAPE, wcs=wcs or tan_wcs(SHAPE), place=place, **{"seed": 2} | options)


def error_of(registration, place):
    """Rms over the frame of the distance between the map found and the true one."""
    x, y = np.meshgrid(np.linspace(20, 380, 20), np.linspace(20, 340, 20))
    found, true = registration.transform(x, y), place(x, y)
    return np.sqrt(np.mean((found[0] - true[0]) ** 2 + (found[1] - true[1]) ** 2))


@settings(max_examples=8, deadline=None)
@given(dx=st.floats(-12, 12), dy=st.floats(-12, 12))
def test_a_pointing_error_is_found(dx, dy):
    def place(x, y):
        return x + dx, y + dy

    registration = register(photographed(place), GRID, PARAMETERS)
    # 60 stars and more, 0.02 px each and axis: 0.004 px for a shift; a plane has thrice the terms
    assert error_of(registration, place) < 0.015
    assert registration.order >= (0 if np.hypot(dx, dy) > 0.1 else -1)
    assert registration.residual_rms_px < 0.06


def test_rotation_and_distortion_beyond_the_wcs_are_found():
    def place(x, y):
        u, v = x / 200 - 1, y / 180 - 1
        return x + 2.0 - 0.9 * v + 0.5 * u * u, y - 1.0 + 0.9 * u - 0.3 * u * v

    registration = register(photographed(place), GRID, PARAMETERS)
    # 6 terms from 70 stars of 0.02 px: 0.02 * sqrt(2 * 6 / 70) = 0.008 px
    assert error_of(registration, place) < 0.025
    assert registration.order == 2
    assert registration.wcs_rms_px > 1.0
    assert registration.residual_rms_px < 0.06
    assert not registration.is_identity


def test_a_turned_frame_with_a_right_wcs_needs_no_refinement():
    centre = np.array([(SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2])
    turned = tan_wcs(SHAPE, rotation_deg=30)

    def place(x, y):
        sky = REFERENCE.wcs.all_pix2world(np.column_stack([np.ravel(x), np.ravel(y)]), 0)
        return turned.all_world2pix(sky, 0).T.reshape(2, *np.shape(x))

    registration = register(photographed(place, turned), GRID, PARAMETERS)
    middle = registration.transform(*centre)
    assert np.allclose(middle, centre, atol=0.02)
    assert error_of(registration, place) < 0.02
    assert registration.overlap < 0.95


def test_a_sip_frame_lands_on_a_plain_grid():
    distorted = sip_wcs(SHAPE, strength=5e-7, shift=(3, -2))

    def place(x, y):
        sky = REFERENCE.wcs.all_pix2world(np.column_stack([np.ravel(x), np.ravel(y)]), 0)
        return distorted.all_world2pix(sky, 0, tolerance=1e-8).T.reshape(2, *np.shape(x))

    registration = register(photographed(place, distorted), GRID, PARAMETERS)
    assert error_of(registration, place) < 0.02


def test_a_frame_on_the_grid_is_left_as_it_is():
    registration = register(REFERENCE, GRID, PARAMETERS)
    assert registration.is_identity
    assert registration.order == -1
    assert registration.residual_rms_px == pytest.approx(0, abs=1e-6)


def test_a_second_exposure_of_the_grid_is_left_as_it_is():
    # no offset: leave-one-out must see that a fitted shift is noise
    registration = register(expose(SKY, SHAPE, wcs=tan_wcs(SHAPE), seed=5), GRID, PARAMETERS)
    assert registration.is_identity
    # quality: 1 - 0.02 / 0.5, times 76 / 81 stars
    assert 0.8 < registration.quality < 1


def test_the_residual_is_in_arcseconds_too():
    registration = register(photographed(lambda x, y: (x + 1, y)), GRID, PARAMETERS)
    assert registration.residual_rms_arcsec == pytest.approx(0.4 * registration.residual_rms_px)
    assert pixel_scale_arcsec(REFERENCE.wcs, SHAPE) == pytest.approx(0.4, rel=1e-6)


def test_a_frame_across_right_ascension_zero_is_registered():
    wcs = tan_wcs(SHAPE, centre=(0.0, 60.0))
    grid = grid_of(replace(REFERENCE, wcs=wcs), PARAMETERS)
    registration = register(
        replace(photographed(lambda x, y: (x + 2, y)), wcs=wcs), grid, PARAMETERS
    )
    assert registration.transform(200.0, 180.0)[0] == pytest.approx(202.0, abs=0.03)


def test_a_frame_elsewhere_does_not_overlap():
    far = replace(REFERENCE, wcs=tan_wcs(SHAPE, centre=(150.5, 2.0)))
    with pytest.raises(ValueError, match=r"no overlap: the frame is centred 0\.4997 deg"):
        register(far, GRID, PARAMETERS)


def test_a_frame_that_touches_a_corner_only_is_refused():
    beside = replace(REFERENCE, wcs=tan_wcs(SHAPE, shift=(-398.0, 0.0)))
    with pytest.raises(ValueError, match="of the reference grid"):
        register(beside, GRID, PARAMETERS)


def test_a_frame_of_other_stars_with_a_wrong_wcs_is_refused():
    others = scatter_stars(SHAPE, 80, np.random.default_rng(99))
    frame = expose(others, SHAPE, wcs=tan_wcs(SHAPE), seed=3)
    with pytest.raises(ValueError, match="by chance"):
        register(frame, GRID, PARAMETERS)


def test_a_frame_without_stars_cannot_be_checked():
    blank = frame_of(np.random.default_rng(4).normal(0, 10, SHAPE), wcs=tan_wcs(SHAPE))
    with pytest.raises(ValueError, match=r"0 science stars in the overlap, 5 are needed"):
        register(blank, GRID, PARAMETERS)


def test_a_residual_above_the_limit_is_refused():
    def place(x, y):
        return x + 0.8 * np.sin(x / 9), y + 0.8 * np.sin(y / 9)

    with pytest.raises(ValueError, match="solve the frame's WCS again"):
        register(photographed(place), GRID, replace(PARAMETERS, max_residual_px=0.2))


def test_a_frame_without_a_celestial_wcs_is_refused():
    with pytest.raises(ValueError, match="the science frame has no celestial WCS"):
        register(replace(REFERENCE, wcs=WCS(naxis=2)), GRID, PARAMETERS)


@pytest.mark.parametrize(
    "wrong", [{"mesh_px": 3}, {"min_stars": 1}, {"min_overlap": 1.5}, {"star_threshold": np.nan}]
)
def test_parameters_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PreprocessParameters(**wrong)
