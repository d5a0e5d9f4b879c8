"""The same arithmetic as ccdproc's, where that is installed."""

import numpy as np
import pytest
from astropy import units
from astropy.nddata import CCDData, StdDevUncertainty

from observations.raw import read_raw
from preprocessing.raw.averages import Averaging, average
from preprocessing.raw.masters import Master
from preprocessing.raw.overscan import DetectorFrame, assemble
from preprocessing.raw.reduction import Detector, Masters, reduce_frame
from tests.shared_data import shared

ccdproc = pytest.importorskip("ccdproc", reason="ccdproc is no dependency: pip install ccdproc")

SHAPE = (120, 110)


def ccd(pixels, error):
    return CCDData(pixels, unit="adu", uncertainty=StdDevUncertainty(error))


def test_a_calibrated_frame_and_its_noise_are_ccdprocs():
    rng = np.random.default_rng(1)
    gain, noise_e = 1.7, 6.0
    planes = {
        name: (rng.normal(level, 0.02 * level, SHAPE), rng.uniform(0.5, 1, SHAPE) * error)
        for name, level, error in (("bias", 400, 1.0), ("dark", 30, 0.8), ("flat", 1, 0.004))
    }
    raw = rng.normal(2000, 30, SHAPE)

    theirs = ccdproc.create_deviation(
        ccd(raw - planes["bias"][0], np.zeros(SHAPE)),
        gain=gain * units.electron / units.adu,
        readnoise=noise_e * units.electron,
    )
    theirs = theirs.subtract(ccd(np.zeros(SHAPE), planes["bias"][1]))
    theirs = ccdproc.subtract_dark(
        theirs, ccd(*planes["dark"]), dark_exposure=20 * units.s, data_exposure=60 * units.s,
        scale=True,
    )  # fmt: skip
    flat = CCDData(planes["flat"][0], unit="", uncertainty=StdDevUncertainty(planes["flat"][1]))
    theirs = ccdproc.flat_correct(theirs, flat, norm_value=1.0)

    masters = {
        name: Master(
            name,
            pixels.astype(np.float32),
            error.astype(np.float32),
            np.ones(SHAPE, np.uint16),
            exposure_s=20.0,
        )
        for name, (pixels, error) in planes.items()
    }
    ours = reduce_frame(
        DetectorFrame(raw.astype(np.float32), 0.0, (), gain, noise_e),
        Masters(masters["bias"], masters["dark"], masters["flat"]),
        Detector(gain, noise_e, np.inf, 60.0),
        cosmic_rays=False,
    )
    # float32 against float64.
    np.testing.assert_allclose(ours.pixels, theirs.data, rtol=1e-5)
    np.testing.assert_allclose(ours.uncertainty, theirs.uncertainty.array, rtol=1e-4)


def test_a_clipped_mean_is_that_of_ccdproc():
    rng = np.random.default_rng(2)
    frames = [rng.normal(500, 5, SHAPE).astype(np.float32) for _ in range(7)]
    frames[3][40:44, 50] += 4000
    combiner = ccdproc.Combiner([CCDData(frame, unit="adu") for frame in frames])
    # Their limit is absolute where ours follows from the noise, 5 sigma of 5 ADU.
    centre = np.median(frames, axis=0)
    combiner.data_arr.mask |= np.abs(np.array(frames) - centre) > 25
    theirs = combiner.average_combine()
    ours = average(frames, Averaging())
    same = ours.counts == 7 - np.asarray(combiner.data_arr.mask.sum(axis=0))
    # The noise that is measured decides about values at the very limit.
    assert same.mean() > 0.999
    np.testing.assert_allclose(ours.pixels[same], theirs.data[same], rtol=1e-5)


def test_a_real_overscan_leaves_what_ccdproc_leaves():
    path = shared("images/raw_misc/a8280271.fits")
    image = CCDData.read(path, unit="adu")
    theirs = ccdproc.subtract_overscan(image, fits_section="[4:13,1:520]", median=True)
    theirs = ccdproc.trim_image(theirs, fits_section="[17:528,1:520]")
    ours = assemble(read_raw(path))
    rows = np.median(ours.pixels - theirs.data, axis=1)
    # A median of ten is noisier than their mean: by half an error of the level, no more.
    assert rows.std() < ours.offset_error
    assert abs(rows.mean()) < 4 * ours.offset_error / np.sqrt(520)
