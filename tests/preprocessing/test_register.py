from dataclasses import replace

import numpy as np
import pytest
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st

from preprocessing.astrometry.footprint import pixel_scale_arcsec
from preprocessing.astrometry.matching import Smooth
from preprocessing.astrometry.register import check_stars, grid_of, register
from preprocessing.parameters import PreprocessParameters
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
    assert registration.first_rms_px > 1.0
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


@pytest.mark.parametrize("share", [1.0, 0.3])
def test_the_flux_ratio_is_what_clouds_leave(share):
    seen = replace(SKY, flux=share * SKY.flux)
    frame = expose(seen, SHAPE, wcs=tan_wcs(SHAPE), place=lambda x, y: (x + 1, y), seed=3, fwhm=3.3)
    registration = register(frame, GRID, PARAMETERS)
    # The flux of a star is that within its isophote, a few per cent less in wide and faint ones.
    assert registration.flux_ratio == pytest.approx(1 / share, rel=0.06)
    assert registration.facts()["flux_ratio"] == registration.flux_ratio


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
    with pytest.raises(ValueError, match="chance would"):
        register(frame, GRID, PARAMETERS)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (lambda x, y: (399 - x, 359 - y), r"turned by -?180\.0 deg, 1\.000 times"),
        (lambda x, y: (399 - x, y), r"1\.000 times as many .* and mirrored"),
        (lambda x, y: (x / 2, y / 2), r"turned by -?0\.0 deg, 0\.500 times as many"),
    ],
    ids=["upside down", "mirrored", "with pixels twice as large"],
)
def test_a_frame_that_lies_otherwise_than_its_wcs_says_is_refused_with_how_it_lies(place, words):
    with pytest.raises(ValueError, match=rf"together within 20 px.* stars .*{words}"):
        register(photographed(place), GRID, PARAMETERS)


def test_a_frame_without_stars_cannot_be_checked():
    blank = frame_of(np.random.default_rng(4).normal(0, 10, SHAPE), wcs=tan_wcs(SHAPE))
    with pytest.raises(ValueError, match=r"0 science stars in the overlap, 5 are needed"):
        register(blank, GRID, PARAMETERS)


def test_a_residual_above_the_limit_is_refused():
    def place(x, y):
        return x + 0.8 * np.sin(x / 9), y + 0.8 * np.sin(y / 9)

    with pytest.raises(ValueError, match="solve the frame's WCS again"):
        register(photographed(place), GRID, replace(PARAMETERS, max_residual_px=0.2))


def similar(turn_deg=0.0, scale=1.0, shift=(0.0, 0.0), *, is_mirrored=False):
    """A map that turns, scales and mirrors about the middle of the frame."""
    middle = complex((SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2)
    turn = scale * np.exp(1j * np.radians(turn_deg))

    def place(x, y):
        z = x + 1j * y - middle
        z = turn * (z.conj() if is_mirrored else z) + middle + complex(*shift)
        return z.real, z.imag

    return place


@pytest.mark.parametrize(
    "place",
    [
        similar(shift=(31.3, -22.8)),
        similar(180.0, shift=(2.6, 1.1)),
        similar(-67.0, shift=(-20.0, 14.0)),
        similar(25.0, is_mirrored=True),
        similar(90.0, 0.7, (9.0, 9.0)),
        similar(90.0, 0.8, is_mirrored=True),
    ],
    ids=["shifted", "upside down", "turned", "mirrored", "scaled", "mirrored and scaled"],
)
def test_a_frame_without_a_wcs_is_registered_by_the_patterns_of_its_stars(place):
    registration = register(photographed(place, wcs=WCS(naxis=2)), GRID, PARAMETERS)
    # 0.02 px per star and axis over the 30 to 70 in the overlap, 6 terms, extrapolated corners
    assert error_of(registration, place) < 0.05
    assert registration.n_stars >= 25
    assert registration.residual_rms_px < 0.06
    assert registration.residual_rms_arcsec is None
    assert not registration.is_by_wcs


def test_a_distorted_frame_without_a_wcs_is_followed_into_its_corners():
    def place(x, y):
        u, v = x / 200 - 1, y / 180 - 1
        return x + 9.0 + 1.5 * u * u - 0.8 * v, y - 4.0 + 1.2 * u * v

    registration = register(photographed(place, wcs=WCS(naxis=2)), GRID, PARAMETERS)
    assert error_of(registration, place) < 0.05
    assert registration.order == 2
    assert registration.first_rms_px > 5 * registration.residual_rms_px


def test_a_frame_of_other_stars_without_a_wcs_is_refused():
    others = scatter_stars(SHAPE, 80, np.random.default_rng(99))
    frame = expose(others, SHAPE, wcs=WCS(naxis=2), seed=3)
    with pytest.raises(ValueError, match=r"star patterns do not match: at most \d+ of"):
        register(frame, GRID, PARAMETERS)


def test_a_registration_that_would_make_the_residual_worse_is_refused():
    worse = Smooth(0, np.zeros((1, 2)), 0.31, np.ones(9, bool), 0.25)
    with pytest.raises(ValueError, match=r"worse: 0\.3100 px rms over 9 stars.* 0\.2500 px before"):
        check_stars(worse, PARAMETERS)


@pytest.mark.parametrize(
    "wrong", [{"mesh_px": 3}, {"min_stars": 1}, {"min_overlap": 1.5}, {"star_threshold": np.nan}]
)
def test_parameters_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PreprocessParameters(**wrong)
