"""Two epochs of one field by DECam: something changed in the middle, nothing within an epoch."""

import itertools
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning

from differencing.extraction.extract import extract
from differencing.parameters import DifferenceParameters
from differencing.subtraction.subtract import subtract
from preprocessing.parameters import PreprocessParameters
from preprocessing.prepare import calibrate

DATA = Path(__file__).parents[2] / "../shared/data/images/decam_i_2epoch_transient"
CHANGED = SkyCoord("21h12m25.96s", "-66d00m56.2s")
NEAR_ARCSEC = 1.0
EPOCHS = {epoch: [f"{epoch}{letter}" for letter in "abcde"] for epoch in ("OBS04", "OBS18")}

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the DECam exposures of ../shared/data are not here"
)


def read(name):
    """Read one exposure; the files have no sky left in them."""
    with fits.open(DATA / f"DEC-{name}.mini.fits") as units, warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)
        header = units[0].header
        wcs = WCS(header)
    return calibrate(
        fits.getdata(DATA / f"DEC-{name}.mini.fits").astype(np.float32),
        wcs=wcs,
        gain=header["GAIN"],
        read_noise=header["RDNOISE"],
        saturation=header["ESATUR"],
        parameters=PreprocessParameters(),
    )


@pytest.fixture(scope="module")
def exposures():
    return {name: read(name) for names in EPOCHS.values() for name in names}


def candidates(exposures, science, reference):
    """Subtract, extract, and say how far each candidate lies from the change, arcsec."""
    parameters = DifferenceParameters()
    difference = subtract(exposures[science], exposures[reference], parameters)
    found = extract(
        difference, exposures[science], exposures[reference], threshold=parameters.threshold
    )
    sky = SkyCoord(found["ra"], found["dec"], unit="deg")
    return found, sky.separation(CHANGED).arcsec


@pytest.mark.parametrize("science", EPOCHS["OBS04"])
def test_the_change_is_among_the_five_strongest_candidates(exposures, science):
    for reference in EPOCHS["OBS18"]:
        found, apart = candidates(exposures, science, reference)
        near = np.flatnonzero(apart < NEAR_ARCSEC)
        assert near.size == 1, f"{science} - {reference}: nothing within 1 arcsec"
        # candidates come strongest first
        assert near[0] < 5, f"{science} - {reference}: only the {near[0] + 1}th"
        assert not found["is_negative"][near[0]]


@pytest.mark.parametrize("epoch", EPOCHS)
def test_nothing_changes_there_within_an_epoch(exposures, epoch):
    for science, reference in itertools.permutations(EPOCHS[epoch], 2):
        _, apart = candidates(exposures, science, reference)
        assert not (apart < NEAR_ARCSEC).any(), f"{science} - {reference}: a false change"
