import io
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from preprocessing.calibrated import from_fits, to_fits
from tests.preprocessing.synthetic import frame_of, sip_wcs, tan_wcs

SHAPE = (60, 80)


def tpv_wcs(shape):
    header = tan_wcs(shape).to_header()
    header["CTYPE1"], header["CTYPE2"] = "RA---TPV", "DEC--TPV"
    for axis in (1, 2):
        header[f"PV{axis}_1"], header[f"PV{axis}_2"] = 1.003, -2e-4
        header[f"PV{axis}_4"], header[f"PV{axis}_7"] = 1e-2, -3e-3
    return WCS(header)


def example(wcs):
    rng = np.random.default_rng(1)
    pixels = rng.normal(0, 5, SHAPE)
    pixels[0, 0] = np.nan
    mask = rng.integers(0, 64, SHAPE).astype(np.uint16)
    return replace(frame_of(pixels, wcs=wcs, mask=mask, gain=1.7), sky_level=412.5)


@pytest.mark.parametrize("make", [tan_wcs, sip_wcs, tpv_wcs])
def test_a_frame_comes_back_from_its_file(make):
    frame = example(make(SHAPE))
    again = from_fits(to_fits(frame))
    for plane in ("pixels", "noise", "mask"):
        before, after = getattr(frame, plane), getattr(again, plane)
        assert np.array_equal(before, after, equal_nan=plane == "pixels")
        assert after.dtype == before.dtype
    assert (again.gain, again.saturation, again.sky_level) == (1.7, 60000.0, 412.5)
    places = np.random.default_rng(2).uniform(0, 60, (50, 2))
    # headers keep 12 digits: 1e-10 deg, 1e-6 px
    assert np.allclose(
        again.wcs.all_pix2world(places, 0), frame.wcs.all_pix2world(places, 0), atol=1e-9, rtol=0
    )


def test_a_frame_without_saturation_has_none_in_its_file():
    again = from_fits(to_fits(replace(example(tan_wcs(SHAPE)), saturation=np.inf)))
    assert again.saturation == np.inf


def test_the_given_header_is_kept():
    content = to_fits(example(tan_wcs(SHAPE)), header=fits.Header({"OBSERVER": "Hubble"}))
    with fits.open(io.BytesIO(content)) as units:
        assert units[0].header["OBSERVER"] == "Hubble"
        assert [unit.name for unit in units[1:]] == ["SCI", "NOISE", "MASK"]


def test_a_frame_is_read_from_a_path(tmp_path):
    path = tmp_path / "frame.fits"
    path.write_bytes(to_fits(example(tan_wcs(SHAPE))))
    assert from_fits(path).shape == SHAPE


def test_damaged_pixels_are_refused():
    content = bytearray(to_fits(example(tan_wcs(SHAPE))))
    # 4 header blocks at most precede the first plane of 60 * 80 * 4 bytes
    content[5 * 2880 + 500] ^= 0xFF
    with pytest.raises(ValueError, match="extension SCI does not match its checksum"):
        from_fits(bytes(content))


def test_a_file_of_another_kind_is_refused():
    stream = io.BytesIO()
    fits.PrimaryHDU(np.zeros((3, 3))).writeto(stream)
    with pytest.raises(ValueError, match="no extension SCI"):
        from_fits(stream.getvalue())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mask": np.zeros((3, 3), np.uint16)}, "must share one 2-D shape"),
        ({"gain": 0.0}, "gain is 0.0"),
        ({"gain": np.inf}, "gain is inf"),
        ({"saturation": -5.0}, "saturation is -5.0"),
    ],
)
def test_planes_and_figures_that_cannot_be_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(example(tan_wcs(SHAPE)), **change)
