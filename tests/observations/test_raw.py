import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from astrid.core.errors import BadImage
from observations.fits import ReadOptions
from observations.fits_header import FrameDefaults
from observations.frame_kind import FrameKind, kind_of
from observations.raw import read_raw
from observations.sections import Section
from tests.preprocessing.raw_frames import raw, raw_bytes
from tests.shared_data import shared

IMAGE = np.arange(48, dtype=float).reshape(6, 8)


@pytest.mark.parametrize(
    ("keyword", "words", "kind"),
    [
        ("IMAGETYP", "Bias Frame", "bias"),
        ("OBSTYPE", "zero", "bias"),
        ("IMAGETYP", "Dark Frame", "dark"),
        ("IMAGETYP", "FLATDARK", "dark"),
        ("IMAGETYP", "Flat Field", "flat"),
        ("OBSTYPE", "dome flat", "flat"),
        ("FRAME", "skyflat", "flat"),
        ("HIERARCH ESO DPR TYPE", "FLAT,SKY", "flat"),
        ("IMAGETYP", "object", "light"),
        ("IMAGETYP", "Light Frame", "light"),
        ("OBJECT", "Flats_10292022", "light"),
    ],
)
def test_the_header_tells_calibration_frames_from_lights(keyword, words, kind):
    assert kind_of(fits.Header({keyword: words})) is FrameKind(kind)


def test_a_header_without_a_kind_is_a_light():
    assert kind_of(fits.Header()) is FrameKind.LIGHT


@given(
    st.tuples(*[st.integers(1, 5000)] * 4),
)
def test_a_section_reads_as_it_is_written(limits):
    x1, x2, y1, y2 = limits
    text = f"[{x1}:{x2},{y1}:{y2}]"
    section = Section.parse(text)
    assert str(section) == text
    assert section.shape == (abs(y2 - y1) + 1, abs(x2 - x1) + 1)


@pytest.mark.parametrize("text", ["", "[1:5]", "[0:5,1:5]", "1:5,1:5", "[a:5,1:5]"])
def test_what_is_no_section_is_refused_with_its_text(text):
    with pytest.raises(ValueError, match=r"section|pixel 1"):
        Section.parse(text)


def test_a_raw_frame_needs_neither_wcs_nor_gain():
    frame = raw(IMAGE, XBINNING=2, YBINNING=3)
    assert (frame.kind, frame.filter_band, frame.exposure_s) == (FrameKind.LIGHT, "r", 10.0)
    assert (frame.gain, frame.read_noise, frame.saturation) == (None, None, None)
    assert frame.binning == (2, 3)
    np.testing.assert_array_equal(frame.amplifiers[0].pixels, IMAGE)


def test_a_bias_has_no_exposure_and_no_filter():
    frame = raw(IMAGE, IMAGETYP="Bias Frame", EXPTIME=0.0)
    assert (frame.exposure_s, frame.filter_band) == (0.0, None)


def test_a_rule_file_fills_in_what_the_header_leaves_out():
    options = ReadOptions(FrameDefaults(gain=1.5, read_noise=7.0, saturation=6e4))
    frame = read_raw(raw_bytes(IMAGE), options=options)
    assert (frame.gain, frame.read_noise, frame.saturation) == (1.5, 7.0, 6e4)


def test_a_section_outside_the_image_is_refused_with_both():
    with pytest.raises(BadImage, match=r"BIASSEC: is \[1:9,1:6\] but the image is \[1:8,1:6\]"):
        raw(IMAGE, BIASSEC="[1:9,1:6]")


def test_two_amplifiers_of_one_image_have_sections_and_gains_of_their_own():
    frame = raw(
        IMAGE,
        DATASECA="[1:3,1:6]", BIASSECA="[4:4,1:6]", GAINA=1.0, RDNOISEA=5.0,
        DATASECB="[6:8,1:6]", BIASSECB="[5:5,1:6]", GAINB=2.0, RDNOISEB=6.0,
    )  # fmt: skip
    first, second = frame.amplifiers
    assert (first.data, second.data) == (Section(0, 3, 0, 6), Section(5, 8, 0, 6))
    assert [(a.gain, a.read_noise) for a in frame.amplifiers] == [(1.0, 5.0), (2.0, 6.0)]


@pytest.mark.parametrize("binning", [{"CCDSUM": "0 2"}, {"XBINNING": "a", "YBINNING": 1}])
def test_a_binning_that_cannot_be_is_refused(binning):
    with pytest.raises(BadImage, match="binning"):
        raw(IMAGE, **binning)


def test_a_real_frame_with_overscan_is_read_with_its_sections():
    frame = read_raw(shared("images/raw_misc/a8280271.fits"))
    (amplifier,) = frame.amplifiers
    assert (amplifier.data, amplifier.overscan) == (
        Section(16, 528, 0, 520),
        Section(3, 13, 0, 520),
    )
    assert (frame.gain, frame.read_noise, frame.kind) == (1.9, 5.0, FrameKind.LIGHT)


def test_a_real_file_of_several_images_is_read_whole():
    frame = read_raw(shared("images/raw_misc/science-mef.fits"))
    assert (frame.kind, frame.filter_band, frame.exposure_s) == (FrameKind.LIGHT, "B", 30.0)
    assert [a.pixels.shape for a in frame.amplifiers] == [(10, 10)] * 3


def test_a_flat_of_ones_is_no_exposure():
    options = ReadOptions(FrameDefaults(exposure_s=1.0))
    with pytest.raises(BadImage, match="all pixels are 1"):
        read_raw(shared("images/raw_misc/flat-mef.fits"), options=options)
