"""Real exposures; skipped where the shared data are not at hand."""

import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning

from preprocessing.astrometry.register import grid_of
from preprocessing.astrometry.transform import wcs_transform
from preprocessing.calibrated import from_fits, to_fits
from preprocessing.parameters import PreprocessParameters
from preprocessing.prepare import calibrate, onto_grid
from preprocessing.quality.figures import examine

IMAGES = Path(__file__).parents[2] / "../shared/data/images"
DECAM = IMAGES / "decam_i_2epoch_transient"
PARAMETERS = PreprocessParameters()

pytestmark = pytest.mark.skipif(not IMAGES.is_dir(), reason="no shared data beside the project")


def opened(path, extension=0):
    with warnings.catch_warnings(), fits.open(path) as units:
        # old headers: date keywords that wcslib puts right
        warnings.simplefilter("ignore", FITSFixedWarning)
        unit = units[extension]
        return np.array(unit.data, dtype=float), unit.header.copy(), WCS(unit.header, naxis=2)


@cache
def decam(name):
    pixels, header, wcs = opened(DECAM / f"DEC-{name}.mini.fits")
    return header, calibrate(
        pixels,
        wcs=wcs,
        gain=header["GAINA"],
        read_noise=header["RDNOISEA"],
        saturation=header["SATURATE"],
        parameters=PARAMETERS,
    )


@pytest.mark.parametrize("name", ["OBS04b", "OBS04e", "OBS18a", "OBS18c", "OBS18e"])
def test_decam_seeing_is_that_of_the_observatory(name):
    header, frame = decam(name)
    figures = examine(frame, PARAMETERS).quality.figures()
    # 7 stars here against thousands there, and another definition of the width
    assert figures["seeing_px"] == pytest.approx(header["FWHM"], rel=0.07)


@pytest.mark.parametrize("name", ["OBS18a", "OBS18b", "OBS18c", "OBS18d", "OBS18e"])
def test_decam_noise_is_that_of_the_native_pixels(name):
    header, frame = decam(name)
    # b, c and e were interpolated onto a: their pixels scatter 20 % less than the SKYSIGMA that
    # the observatory measured before
    assert np.median(frame.noise) == pytest.approx(header["SKYSIGMA"], rel=0.12)


@pytest.mark.parametrize("name", ["OBS04b", "OBS04c", "OBS04d", "OBS04e"])
def test_aligned_decam_frames_are_moved_by_a_tenth_of_a_pixel_at_most(name):
    grid = grid_of(decam("OBS04a")[1], PARAMETERS)
    frame = decam(name)[1]
    aligned = wcs_transform(grid.wcs, grid.shape, frame.wcs, frame.shape)
    # one TPV solution in all ten headers
    assert aligned.off_identity(grid.shape) < 1e-4
    _, registration = onto_grid(frame, grid, PARAMETERS)
    assert registration.transform.off_identity(grid.shape) < 0.25
    assert registration.residual_rms_px < 0.1


@pytest.mark.parametrize("name", ["OBS18a", "OBS18b", "OBS18c", "OBS18d", "OBS18e"])
def test_the_second_decam_epoch_is_registered_to_the_first(name):
    _, registration = onto_grid(decam(name)[1], decam("OBS04a")[1], PARAMETERS)
    # stars and WCS disagree by half a pixel (0.13 arcsec) between the epochs
    assert 0.3 < registration.first_rms_px < 0.7
    assert registration.residual_rms_px < 0.7 * registration.first_rms_px
    assert registration.n_stars >= 6


@pytest.mark.parametrize(
    ("path", "extension"),
    [
        ("decam_i_2epoch_transient/DEC-OBS18a.mini.fits", 0),
        ("panoptes_pair/solved.fits.fz", 1),
        ("raw_misc/sip-wcs.fit", 0),
    ],
)
def test_real_tpv_and_sip_solutions_survive_our_files(path, extension):
    pixels, _, wcs = opened(IMAGES / path, extension)
    frame = calibrate(
        np.random.default_rng(1).normal(100, 10, pixels.shape),
        wcs=wcs,
        gain=1.0,
        read_noise=1.0,
        saturation=np.inf,
        parameters=PARAMETERS,
    )
    places = np.random.default_rng(2).uniform(0, min(pixels.shape), (200, 2))
    before = wcs.all_pix2world(places, 0)
    after = from_fits(to_fits(frame)).wcs.all_pix2world(places, 0)
    # 12 digits of degrees in a header
    assert np.abs(after - before).max() < 1e-9


def test_a_panoptes_frame_is_registered_to_itself_turned():
    pixels, _, wcs = opened(IMAGES / "panoptes_pair/solved.fits.fz", 1)
    options = {"gain": 1.5, "read_noise": 10.5, "saturation": 11000.0, "parameters": PARAMETERS}
    frame = calibrate(pixels, wcs=wcs, **options)
    turned = calibrate(pixels[::-1, ::-1], wcs=rotated_by_half(wcs, pixels.shape), **options)
    moved, registration = onto_grid(turned, frame, PARAMETERS)
    inner = np.s_[50:-50, 50:-50]
    good = (moved.mask[inner] == 0) & (frame.mask[inner] == 0)
    # the sky meshes of both differ by rounding only; whole-pixel positions interpolate exactly,
    # and the mapping through two SIP solutions is good to 0.01 px
    off = (moved.pixels - frame.pixels)[inner][good]
    assert registration.residual_rms_px < 0.02
    assert np.percentile(np.abs(off), 90) < 0.2 * np.median(frame.noise)


def rotated_by_half(wcs, shape):
    """The WCS of the frame read backwards along both axes."""
    turned = wcs.deepcopy()
    turned.wcs.crpix = np.array([shape[1], shape[0]]) + 1 - wcs.wcs.crpix
    turned.wcs.cd = -wcs.wcs.cd
    if wcs.sip is not None:
        order_a, order_b = wcs.sip.a_order, wcs.sip.b_order
        turned.sip = type(wcs.sip)(
            even_flipped(wcs.sip.a, order_a), even_flipped(wcs.sip.b, order_b), None, None,
            turned.wcs.crpix,
        )  # fmt: skip
    turned.wcs.set()
    return turned


def even_flipped(coefficients, order):
    """SIP terms after both axes are reversed: of even degree they change sign."""
    p, q = np.indices((order + 1, order + 1))
    return np.where((p + q) % 2 == 0, -1, 1) * coefficients


def test_an_sdss_frame_in_nanomaggies_is_calibrated():
    pixels, header, wcs = opened(IMAGES / "sdss_2010H/SDSS_r.fits")
    # the frame's own conversion from counts, and the r camera's gain and read noise
    gain = 4.7 / float(header["NMGY"])
    frame = calibrate(
        pixels, wcs=wcs, gain=gain, read_noise=5.0, saturation=np.inf, parameters=PARAMETERS
    )
    figures = examine(frame, PARAMETERS).quality.figures()
    # 22.5 - 2.5 log10(5 sigma flux): SDSS reaches r = 22.2 at 95 % completeness
    assert 21.5 < 22.5 - 2.5 * np.log10(figures["limiting_flux"]) < 23.5
    # 0.396 arcsec px: r seeing in SDSS is 1.1 to 1.6 arcsec
    assert 1.0 < 0.396 * figures["seeing_px"] < 1.8
