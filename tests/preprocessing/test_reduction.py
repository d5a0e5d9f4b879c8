import numpy as np
import pytest
from astropy import units
from astropy.nddata import CCDData, StdDevUncertainty, VarianceUncertainty

from preprocessing.calibrated import CalibratedFrame
from preprocessing.masks import MaskBit
from preprocessing.nddata import from_nddata, reduced_to_nddata, to_nddata
from preprocessing.raw.masters import Master, as_bias, master_bias, master_dark, master_flat
from preprocessing.raw.overscan import DetectorFrame
from preprocessing.raw.reduction import Detector, Masters, reduce_frame
from tests.preprocessing.raw_frames import poisson_flat
from tests.preprocessing.synthetic import tan_wcs

SHAPE = (200, 220)
GAIN, NOISE_E, BIAS, RATE, SKY, SECONDS = 2.0, 8.0, 500.0, 0.4, 300.0, 120.0
NOISE = NOISE_E / GAIN
DETECTOR = Detector(GAIN, NOISE_E, 60_000.0, SECONDS)


def sensitivity():
    x = np.linspace(-1, 1, SHAPE[1])
    return np.broadcast_to(1 - 0.2 * x**2, SHAPE).copy()


def exposed(rng, seconds, light):
    """A raw frame of ``light`` ADU/s and dark current on a bias."""
    made = poisson_flat(
        rng, light * sensitivity() + RATE, seconds, gain=GAIN, noise_adu=NOISE, bias=BIAS
    )
    return DetectorFrame(made, 0.0, (), GAIN, NOISE_E)


@pytest.fixture(scope="module")
def masters():
    rng = np.random.default_rng(1)
    bias = master_bias([exposed(rng, 0.0, 0.0).pixels for _ in range(16)])
    dark = master_dark([exposed(rng, 60, 0.0).pixels for _ in range(16)], [60.0] * 16, bias=bias)
    flat = master_flat(
        [exposed(rng, 3, 10_000).pixels - bias.pixels for _ in range(8)],
        noise_adu=NOISE,
    )
    return Masters(bias, dark, flat)


def test_a_reduced_frame_is_the_light_with_an_honest_uncertainty(masters):
    frame = exposed(np.random.default_rng(2), SECONDS, SKY / SECONDS)
    made = reduce_frame(frame, masters, DETECTOR)
    truth = SKY * np.median(sensitivity())  # flats have median 1
    good = made.mask == 0
    pull = ((made.pixels - truth) / made.uncertainty)[good]
    assert good.mean() > 0.999
    assert pull.std() == pytest.approx(1, abs=0.02)  # 44,000 pixels: 0.0034
    # What is common to all pixels: dark and norm of the flat.
    assert pull.mean() == pytest.approx(0, abs=0.05)


def test_the_variance_is_the_sum_that_the_textbook_gives():
    def flat_one(kind, value, error, **more):
        plane = np.ones(SHAPE, np.float32)
        return Master(kind, plane * value, plane * error, plane.astype(np.uint16), **more)

    masters = Masters(
        flat_one("bias", 100, 2),
        flat_one("dark", 30, 1, exposure_s=10.0),
        flat_one("flat", 0.5, 0.01),
    )
    frame = DetectorFrame(np.full(SHAPE, 1560, np.float32), 0.0, (), GAIN, NOISE_E)
    made = reduce_frame(frame, masters, Detector(GAIN, NOISE_E, np.inf, 20.0), cosmic_rays=False)
    assert (made.pixels == 2800).all()  # (1560 - 100 - 2 x 30) / 0.5
    raw = 1460 / GAIN + NOISE**2 + 2**2 + (2 * 1) ** 2
    # 1460 ADU of light and dark current over the bias have photon noise.
    expected = np.sqrt((raw + (2800 * 0.01) ** 2) / 0.5**2)
    np.testing.assert_allclose(made.uncertainty, expected, rtol=1e-6)


def test_every_defect_gets_its_bit(masters):
    frame = exposed(np.random.default_rng(3), SECONDS, SKY / SECONDS)
    frame.pixels[10, 10] = np.nan
    frame.pixels[20, 20:25] = 65_000
    frame.pixels[30, 30:33] += 4000
    bad = np.zeros(SHAPE, bool)
    bad[40, 40] = True
    made = reduce_frame(frame, Masters(masters.bias, masters.dark, masters.flat, bad), DETECTOR)
    bits = made.mask[[10, 20, 30, 40], [10, 22, 31, 40]]
    assert bits.tolist() == [
        MaskBit.NO_DATA, MaskBit.SATURATED, MaskBit.COSMIC_RAY, MaskBit.BAD_PIXEL
    ]  # fmt: skip
    assert np.isnan(made.pixels[10, 10])


def test_saturation_follows_the_offset(masters):
    made = reduce_frame(exposed(np.random.default_rng(4), SECONDS, 2.0), masters, DETECTOR)
    # 60,000 ADU of the raw file are so many above bias and 120 s of dark current.
    assert made.saturation == pytest.approx(60_000 - BIAS - RATE * SECONDS, abs=1)


def test_short_darks_stand_for_the_bias():
    rng = np.random.default_rng(5)
    short = master_dark([exposed(rng, 1.5, 0.0).pixels for _ in range(9)], [1.5] * 9)
    frame = exposed(rng, SECONDS, 3.0)
    with pytest.raises(ValueError, match=r"dark of 1\.5 s still holds the bias"):
        reduce_frame(frame, Masters(dark=short), DETECTOR)
    made = reduce_frame(frame, Masters(bias=as_bias(short)), DETECTOR)
    # Without a dark its current stays in, but for the 1.5 s that the short darks have.
    expected = 360 * sensitivity().mean() + RATE * (SECONDS - 1.5)
    assert np.nanmean(made.pixels) == pytest.approx(expected, abs=0.5)


def test_a_dark_of_the_same_exposure_needs_no_bias():
    rng = np.random.default_rng(6)
    dark = master_dark([exposed(rng, SECONDS, 0.0).pixels for _ in range(5)], [SECONDS] * 5)
    made = reduce_frame(exposed(rng, SECONDS, 3.0), Masters(dark=dark), DETECTOR)
    assert np.nanmean(made.pixels) == pytest.approx(360 * sensitivity().mean(), abs=0.5)


def test_masters_of_another_window_are_refused_with_both_shapes(masters):
    frame = DetectorFrame(np.ones((50, 60), np.float32), 0.0, (), GAIN, NOISE_E)
    with pytest.raises(ValueError, match=r"bias is \(200, 220\) px, the frame \(50, 60\)"):
        reduce_frame(frame, masters, DETECTOR)


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ((0.0, 5.0, 6e4, 10.0), "gain is 0"),
        ((1.0, -1.0, 6e4, 10.0), "read noise is -1"),
        ((1.0, 5.0, 0.0, 10.0), "saturation is 0"),
        ((1.0, 5.0, 6e4, -3.0), "exposure is -3"),
    ],
)
def test_figures_that_no_detector_has_are_refused(figures, words):
    with pytest.raises(ValueError, match=words):
        Detector(*figures)


def calibrated():
    rng = np.random.default_rng(7)
    mask = np.zeros(SHAPE, np.uint16)
    mask[3, 4] = MaskBit.SATURATED | MaskBit.COSMIC_RAY
    return CalibratedFrame(
        pixels=rng.normal(0, 5, SHAPE).astype(np.float32),
        noise=np.full(SHAPE, 5, np.float32),
        mask=mask,
        wcs=tan_wcs(SHAPE),
        gain=GAIN,
        saturation=5e4,
        sky_level=120.0,
    )


def test_a_frame_goes_to_nddata_and_back_unchanged():
    frame = calibrated()
    data = to_nddata(frame)
    assert isinstance(data.uncertainty, StdDevUncertainty)
    assert data.mask.sum() == 1
    back = from_nddata(data)
    for plane in ("pixels", "noise", "mask"):
        np.testing.assert_array_equal(getattr(back, plane), getattr(frame, plane))
    assert (back.gain, back.saturation, back.sky_level) == (GAIN, 5e4, 120.0)
    assert back.wcs.wcs.compare(frame.wcs.wcs)


def test_nddata_propagates_the_noise_of_a_frame():
    """astropy's own arithmetic knows what the planes mean."""
    data = to_nddata(calibrated())
    difference = data.subtract(to_nddata(calibrated()))
    assert difference.uncertainty.array[0, 0] == pytest.approx(5 * np.sqrt(2))
    halved = data.divide(2.0)
    assert halved.uncertainty.array[0, 0] == pytest.approx(2.5)
    assert halved.mask[3, 4]


def test_a_variance_becomes_a_noise():
    data = to_nddata(calibrated())
    variance = CCDData(
        data.data,
        uncertainty=data.uncertainty.represent_as(VarianceUncertainty),
        mask=data.mask,
        wcs=data.wcs,
        unit="adu",
        meta=data.meta,
    )
    back = from_nddata(variance)
    np.testing.assert_allclose(back.noise, 5, rtol=1e-6)
    assert back.mask[3, 4] == MaskBit.BAD_PIXEL


def test_nddata_that_lacks_something_is_refused_by_name():
    data = to_nddata(calibrated())
    with pytest.raises(ValueError, match="unit is electron"):
        from_nddata(data.multiply(GAIN * units.electron / units.adu))
    del data.meta["gain"]
    with pytest.raises(ValueError, match="meta lacks gain"):
        from_nddata(data)
    with pytest.raises(ValueError, match="uncertainty and WCS"):
        from_nddata(CCDData(data.data, unit="adu"))


def test_a_reduced_frame_has_its_planes_in_nddata(masters):
    made = reduce_frame(exposed(np.random.default_rng(8), SECONDS, 2.0), masters, DETECTOR)
    data = reduced_to_nddata(made)
    np.testing.assert_array_equal(data.uncertainty.array, made.uncertainty)
    np.testing.assert_array_equal(data.flags, made.mask)
