"""Reading frames: good ones come out right, every bad one is refused in one helpful sentence."""

import gzip
import re
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st

from astrid.core.errors import BadImage
from observations.fits import FrameDefaults, HeaderTime, ReadOptions, read_frame

DATA = Path(__file__).resolve().parents[2] / "../shared/data"
IMAGES, MALFORMED = DATA / "images", DATA / "malformed_fits"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not there")
ALL = FrameDefaults(gain=1.5, read_noise=5.0, saturation=6e4, exposure_s=30.0, filter_band="r")
EVERYTHING = ReadOptions(ALL, observed_at=datetime(2024, 1, 1, tzinfo=UTC))
SENTENCE = re.compile(r"[^\n]+, HDU \d+, [A-Z][A-Z0-9_-]*: [^\n]+; [^\n]+\.")


def cards(**changes):
    header = fits.Header()
    header.update(
        CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CRVAL1=150.0, CRVAL2=2.0, CRPIX1=16.5, CRPIX2=12.5,
        CD1_1=-1e-4, CD1_2=0.0, CD2_1=0.0, CD2_2=1e-4, GAIN=2.0, RDNOISE=4.0, SATURATE=50000.0,
        EXPTIME=60.0, FILTER="g", AIRMASS=1.2, RADESYS="ICRS",
    )  # fmt: skip
    header["DATE-OBS"] = "2024-02-03T04:05:06.5"
    for keyword, value in changes.items():
        name = keyword.replace("__", "-")
        if value is None:
            del header[name]
        else:
            header[name] = value
    return header


def pixels(shape=(24, 32), dtype="f4"):
    return np.random.default_rng(1).normal(1000, 10, shape).astype(dtype)


def as_bytes(*hdus, **options):
    stream = BytesIO()
    fits.HDUList(list(hdus)).writeto(stream, **options)
    return stream.getvalue()


def image(header=None, data=None, **changes):
    data = pixels() if data is None else data
    return as_bytes(fits.PrimaryHDU(data, header or cards(**changes)))


def refusal(content, **kwargs):
    with pytest.raises(BadImage) as caught:
        read_frame(content, name="frame.fits", **kwargs)
    sentence = str(caught.value)
    assert sentence.startswith("frame.fits, HDU ")
    assert SENTENCE.fullmatch(sentence)
    return sentence


def outcome(content, **kwargs):
    """Give the frame, or the sentence that refuses it; anything else is a failure."""
    try:
        return read_frame(content, **kwargs)
    except BadImage as refused:
        return str(refused)


def test_a_good_frame_says_everything_about_itself(tmp_path):
    path = tmp_path / "good.fits"
    path.write_bytes(image())
    frame = read_frame(path)
    np.testing.assert_array_equal(frame.pixels, pixels())
    assert frame.pixels.dtype == np.dtype("=f4")
    assert (frame.width, frame.height, frame.hdu, frame.name) == (32, 24, 0, "good.fits")
    assert (frame.gain, frame.read_noise, frame.saturation) == (2.0, 4.0, 50000.0)
    assert (frame.exposure_s, frame.filter_band, frame.airmass) == (60.0, "g", 1.2)
    assert frame.observed_at == datetime(2024, 2, 3, 4, 5, 6, 500000, tzinfo=UTC)
    # astropy's Time gives this MJD
    assert frame.mjd == pytest.approx(60343.170214120, abs=1e-8)
    assert frame.seeing is None
    # the reference pixel is the centre
    assert (frame.ra, frame.dec) == pytest.approx((150.0, 2.0), abs=1e-9)
    assert frame.pixel_scale_arcsec == pytest.approx(0.36, rel=1e-6)


def test_the_footprint_is_the_outer_corners_as_the_wcs_has_them():
    frame = read_frame(image())
    header = cards(DATE__OBS=None)
    corners = WCS(header).all_pix2world([-0.5, 31.5, 31.5, -0.5], [-0.5, -0.5, 23.5, 23.5], 0)
    np.testing.assert_allclose(np.array(frame.footprint).T, corners, atol=1e-9)


def test_the_digest_depends_on_the_pixels_and_not_on_the_header_or_byte_order():
    first = read_frame(image()).digest
    assert read_frame(image(GAIN=3.0)).digest == first
    assert read_frame(image(data=pixels().astype("<f8"))).digest == first
    changed = pixels()
    changed[3, 4] += 1
    assert read_frame(image(data=changed)).digest != first
    assert read_frame(image(data=pixels().reshape(32, 24))).digest != first


@pytest.mark.parametrize("kind", ["u1", "i2", "u2", "i4", "f4", "f8"])
def test_every_number_format_gives_its_values(kind):
    data = np.arange(24 * 32).reshape(24, 32).astype(kind)
    # every value is below 2^24, so float32 holds it exactly
    np.testing.assert_array_equal(read_frame(image(data=data)).pixels, data.astype("f4"))


def test_scaled_integers_and_blank_pixels_are_what_the_standard_says():
    hdu = fits.PrimaryHDU(np.arange(24 * 32, dtype="i2").reshape(24, 32), cards())
    hdu.header["BLANK"] = 5
    content = as_bytes(hdu)
    bscale = fits.Card("BSCALE", 0.5).image + fits.Card("BZERO", 100.0).image
    end = content.index(b"END" + b" " * 77)
    content = content[:end] + bscale.encode() + content[end : end + 80] + content[end + 240 :]
    frame = read_frame(content)
    expected = 100 + 0.5 * np.arange(24 * 32).reshape(24, 32)
    assert np.isnan(frame.pixels[0, 5])
    assert np.isnan(frame.pixels).sum() == 1
    np.testing.assert_array_equal(np.delete(frame.pixels, 5), np.delete(expected, 5))


def test_infinite_pixels_become_nan():
    data = pixels()
    data[0, :2] = np.inf, -np.inf
    assert np.isnan(read_frame(image(data=data)).pixels).sum() == 2


def test_axes_of_length_one_are_dropped():
    header = cards(CTYPE3="STOKES", CRVAL3=1.0, CRPIX3=1.0, CDELT3=1.0)
    frame = read_frame(as_bytes(fits.PrimaryHDU(pixels()[None, None], header)))
    assert frame.pixels.shape == (24, 32)
    assert frame.ra == pytest.approx(150.0)


@pytest.mark.parametrize("method", ["RICE_1", "GZIP_2", "HCOMPRESS_1"])
def test_a_compressed_extension_is_unpacked_and_inherits_the_primary_header(method):
    data = np.random.default_rng(1).integers(900, 1100, (24, 32)).astype("i2")
    primary = fits.PrimaryHDU(header=cards(CTYPE1=None, CTYPE2=None))
    compressed = fits.CompImageHDU(data, cards(GAIN=None), compression_type=method)
    frame = read_frame(as_bytes(primary, compressed, checksum=True))
    assert frame.hdu == 1
    assert frame.gain == 2.0
    np.testing.assert_array_equal(frame.pixels, data)


def test_a_quantised_compressed_image_comes_back_within_its_quantisation():
    frame = read_frame(as_bytes(fits.PrimaryHDU(), fits.CompImageHDU(pixels(), cards())))
    # quantised to a quarter of the noise of 10
    np.testing.assert_allclose(frame.pixels, pixels(), atol=2.5)


def test_tiles_that_are_dangerous_to_unpack_need_a_checksum():
    hdu = fits.CompImageHDU(pixels(dtype="i2"), cards(), compression_type="HCOMPRESS_1")
    assert "HCOMPRESS_1" in refusal(as_bytes(fits.PrimaryHDU(), hdu))


def test_a_gzipped_file_is_read_and_a_cut_one_refused():
    packed = gzip.compress(image(), mtime=0)
    np.testing.assert_array_equal(read_frame(packed).pixels, pixels())
    assert "gzip" in refusal(packed[:-500])


def test_the_image_is_found_among_masks_and_tables():
    table = fits.BinTableHDU.from_columns([fits.Column("a", "J", array=[1, 2])])
    mask = fits.ImageHDU(np.zeros((24, 32), "i2"), cards(), name="DQ")
    content = as_bytes(fits.PrimaryHDU(), table, mask, fits.ImageHDU(pixels(), cards(), name="SCI"))
    assert read_frame(content).hdu == 3


def test_of_several_images_the_survey_says_which():
    chips = [fits.ImageHDU(pixels() + number, cards()) for number in range(2)]
    content = as_bytes(fits.PrimaryHDU(), *chips)
    assert "hdu in the rule file" in refusal(content)
    frame = read_frame(content, options=ReadOptions(hdu=2))
    np.testing.assert_array_equal(frame.pixels, pixels() + 1)
    assert "HDU 7" in refusal(content, options=ReadOptions(hdu=7))


@pytest.mark.parametrize(
    ("missing", "keyword", "key"),
    [
        ("GAIN", "gain", "gain (electrons per ADU)"),
        ("RDNOISE", "read_noise", "read_noise (electrons)"),
        ("SATURATE", "saturation", "saturation (ADU)"),
        ("EXPTIME", "exposure_s", "exposure_s (seconds)"),
        ("FILTER", "filter_band", "filter (the band's name)"),
    ],
)
def test_what_the_header_lacks_comes_from_the_rule_file_or_is_asked_for(missing, keyword, key):
    content = image(**{missing: None})
    sentence = refusal(content)
    assert f"HDU 0, {missing}: is missing" in sentence
    assert f"state {key} under [defaults] in the rule file" in sentence
    assert getattr(read_frame(content, defaults=ALL), keyword) == getattr(ALL, keyword)


def test_the_header_wins_over_the_defaults():
    frame = read_frame(image(), defaults=ALL)
    assert (frame.gain, frame.filter_band) == (2.0, "g")


def test_synonyms_amplifiers_and_preferred_keywords_are_understood():
    frame = read_frame(
        image(GAIN=None, EGAIN="1.25", RDNOISE=None, RDNOISEA=7.0, RDNOISEB=8.0, SATURATE=None,
              SATURATA=4e4, SATURATB=3e4, EXPTIME=None, EXPOSURE=12, FILTER=None, BAND=" V ")
    )  # fmt: skip
    assert (frame.gain, frame.read_noise, frame.saturation) == (1.25, 8.0, 3e4)
    assert (frame.exposure_s, frame.filter_band) == (12.0, "V")
    preferred = ReadOptions(keywords={"saturation": "ESATUR"})
    assert read_frame(image(ESATUR=123.0), options=preferred).saturation == 123.0


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"DATE__OBS": "2013-07-13", "UT": "00:57:33"}, "2013-07-13T00:57:33"),
        ({"DATE__OBS": "2013-07-13", "MJD__OBS": 56486.25}, "2013-07-13T06:00:00"),
        ({"DATE__OBS": "19/05/94", "UT": "03:00:01"}, "1994-05-19T03:00:01"),
        ({"DATE__OBS": None, "MJD__OBS": 56486.5}, "2013-07-13T12:00:00"),
        ({"DATE__OBS": "2024-02-03T04:05:06Z"}, "2024-02-03T04:05:06"),
        ({"DATE__OBS": "2024-02-03T04:05:06", "TIMESYS": "TAI"}, "2024-02-03T04:04:29"),
        # since 2017 UTC is 37 s behind TAI, and TT 32.184 s ahead of it by definition
        ({"DATE__OBS": "2024-02-03T04:05:06", "TIMESYS": "IAT"}, "2024-02-03T04:04:29"),
        ({"DATE__OBS": "2024-02-03T04:05:09.184", "TIMESYS": "TT"}, "2024-02-03T04:04:00"),
        ({"DATE__OBS": "2024-02-03", "TAIHMS": "04:05:06"}, "2024-02-03T04:04:29"),
        (
            {"DATE__OBS": "2024-02-03", "TAIHMS": "00:00:10", "TIMESYS": "UTC"},
            "2024-02-02T23:59:33",
        ),
        ({"DATE__OBS": "2024-02-03", "UT": "04:05:06", "TIMESYS": "UTC"}, "2024-02-03T04:05:06"),
        ({"DATE__OBS": None, "MJD__OBS": 60343.5, "TIMESYS": "TAI"}, "2024-02-03T11:59:23"),
        (
            {"DATE__OBS": "2024-02-03", "MJD__OBS": 60343.5, "TIMESYS": "TAI"},
            "2024-02-03T11:59:23",
        ),
        ({"DATE__OBS": None, "MJD__OBS": 60343.5}, "2024-02-03T12:00:00"),
    ],
)
def test_every_way_of_writing_the_time_is_read(changes, expected):
    assert read_frame(image(**changes)).observed_at == datetime.fromisoformat(f"{expected}+00:00")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"DATE__OBS": None}, "DATE-OBS: is missing"),
        ({"DATE__OBS": "yesterday"}, "DATE-OBS: is 'yesterday"),
        ({"DATE__OBS": "2024-02-30T00:00:00"}, "no date and time"),
        ({"DATE__OBS": "2013-07-13"}, "is '2013-07-13', without a time of day"),
        ({"DATE__OBS": "13/07/13"}, "state observed_at for these frames in the rule file"),
        ({"TIMESYS": "LOCAL"}, "TIMESYS: is 'LOCAL'"),
        ({"DATE__OBS": None, "MJD__OBS": 60343.5, "TIMESYS": "MARS"}, "TIMESYS: is 'MARS'"),
        ({"TIMESYS": "MARS"}, "TIMESYS: is 'MARS'"),
        ({"DATE__OBS": None, "MJD__OBS": 1e12}, "MJD-OBS: is"),
        ({"GAIN": -1.0}, "GAIN: is -1.0"),
        ({"GAIN": "high"}, "GAIN: is 'high'"),
        ({"EXPTIME": 0.0}, "EXPTIME: is 0.0"),
    ],
)
def test_values_that_cannot_be_are_refused_by_keyword(changes, words):
    assert words in refusal(image(**changes))


def test_a_wrong_time_is_overridden_by_the_rule_file():
    moment = datetime(2016, 8, 18, 4, 27, 10, tzinfo=UTC)
    stated = ReadOptions(observed_at=moment)
    assert read_frame(image(DATE__OBS="2016-08-18"), options=stated).observed_at == moment
    assert read_frame(image(), options=ReadOptions(observed_at=moment)).observed_at == moment
    where = HeaderTime("WTMAP", r"-(\d{8}T\d{6})_", "%Y%m%dT%H%M%S")
    content = image(WTMAP="DEC16B-i-20160818T042710_ow")
    assert read_frame(content, options=ReadOptions(observed_at=where)).observed_at == moment
    assert "WTMAP: is ''" in refusal(image(), options=ReadOptions(observed_at=where))
    impossible = image(WTMAP="DEC16B-i-20161318T042710_ow")
    assert "no time of form" in refusal(impossible, options=ReadOptions(observed_at=where))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"CTYPE1": None}, "CTYPE1: is missing"),
        ({"CTYPE2": None}, "CTYPE2: is missing"),
        ({"CTYPE1": "PIXEL", "CTYPE2": "PIXEL"}, "no place in the sky"),
        ({"CTYPE1": "LAMBDA"}, "CTYPE1"),
        ({"CD1_1": 0.0, "CD2_2": 0.0}, "CD matrix are zero"),
        ({"CD1_1": None, "CD1_2": None, "CD2_1": None, "CD2_2": None}, "CD1_1: is missing"),
        ({"CD1_1": 1e-4, "CD1_2": 1e-4, "CD2_1": 1e-4, "CD2_2": 1e-4}, "pixels of 0 arcsec"),
        ({"CD1_1": -5.0, "CD2_2": 5.0}, "arcsec"),
        ({"CTYPE1": "RA---XYZ", "CTYPE2": "DEC--XYZ"}, "CTYPE1"),
        ({"CRVAL2": 200.0}, "HDU 0"),
    ],
)
def test_a_frame_without_a_usable_place_in_the_sky_is_refused(changes, words):
    assert words in refusal(image(**changes))


def test_positions_are_icrs_whatever_the_header_uses():
    frame = read_frame(image(RADESYS="FK4", EQUINOX=1950.0))
    truth = SkyCoord(150.0, 2.0, unit="deg", frame="fk4").icrs
    assert SkyCoord(frame.ra, frame.dec, unit="deg").separation(truth).arcsec < 0.01
    galactic = read_frame(image(CTYPE1="GLON-TAN", CTYPE2="GLAT-TAN", CRVAL1=10.0, CRVAL2=20.0))
    truth = SkyCoord(10.0, 20.0, unit="deg", frame="galactic").icrs
    assert SkyCoord(galactic.ra, galactic.dec, unit="deg").separation(truth).arcsec < 0.01


def test_right_ascension_lies_below_360():
    frame = read_frame(image(CRVAL1=359.9999))
    assert all(0 <= ra < 360 for ra, _ in frame.footprint)
    assert {round(ra) for ra, _ in frame.footprint} == {0, 360}
    assert 0 <= read_frame(image(CRVAL1=-0.5)).ra == pytest.approx(359.5)


def test_stated_seeing_is_read_in_arcsec_or_pixels():
    assert read_frame(image(SEEING=1.1)).seeing == 1.1
    header = cards()
    header["FWHM"] = (5.0, "Median FWHM in pixels")
    assert read_frame(image(header)).seeing == pytest.approx(5 * 0.36, rel=1e-6)
    assert read_frame(image(SEEING=-1.0)).seeing is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.full((24, 32), np.nan, "f4"), "all pixels are blank or NaN"),
        (np.full((24, 32), 7, "f4"), "all pixels are 7"),
        (np.zeros((24, 32), "i2"), "all pixels are 0"),
        (pixels((3, 24, 32)), "shape (3, 24, 32)"),
        (pixels((24,)), "shape (24,)"),
    ],
)
def test_pixels_that_measure_nothing_are_refused(data, words):
    assert words in refusal(image(data=data))


def test_a_file_that_is_no_fits_is_refused():
    for content in (b"", b"\x89PNG\r\n\x1a\n" + bytes(5000), b"SIMPLE  = nonsense"):
        assert "HDU 0" in refusal(content)


def test_a_file_without_an_image_says_what_it_holds():
    table = fits.BinTableHDU.from_columns([fits.Column("a", "J", array=[1, 2])])
    assert "only BINTABLE extensions" in refusal(as_bytes(fits.PrimaryHDU(), table))
    assert "nothing but a header" in refusal(as_bytes(fits.PrimaryHDU(header=cards())))


@pytest.mark.parametrize("fraction", [0.05, 0.3, 0.55, 0.9, 0.999])
def test_a_truncated_file_is_refused_wherever_it_was_cut(fraction):
    content = as_bytes(
        fits.PrimaryHDU(pixels((100, 100)), cards()), fits.ImageHDU(pixels(), name="DQ")
    )
    # the last block of each unit is padding: cutting only that loses nothing
    cut = content[: int(fraction * (len(content) - 2800))]
    sentence = refusal(cut)
    assert "truncated" in sentence or "missing" in sentence or "not a FITS file" in sentence


def test_a_wrong_checksum_is_refused_unless_the_survey_says_that_it_is_stale():
    content = bytearray(as_bytes(fits.PrimaryHDU(pixels(), cards()), checksum=True))
    assert read_frame(bytes(content)).gain == 2.0
    content[-2000] ^= 1
    sentence = refusal(bytes(content))
    assert "DATASUM" in sentence
    assert "verify_checksums = false" in sentence
    assert read_frame(bytes(content), options=ReadOptions(verify_checksums=False)).gain == 2.0


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damage_raises_anything_but_a_refusal(data):
    content = bytearray(DAMAGED[data.draw(st.integers(0, len(DAMAGED) - 1))])
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, min(len(content), 9000) - 1))
        content[place] = data.draw(st.integers(0, 255))
    result = outcome(bytes(content), options=EVERYTHING, name="frame.fits")
    if isinstance(result, str):
        assert SENTENCE.fullmatch(result)
    else:
        assert np.isfinite(result.pixels).any()
        assert 0 <= result.ra < 360


DAMAGED = (
    image(),
    as_bytes(fits.PrimaryHDU(), fits.CompImageHDU(pixels(), cards())),
)


def data_files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []


def name_of(path):
    return "-".join(path.parts[-2:])


@needs_data
@pytest.mark.parametrize("path", data_files(MALFORMED), ids=name_of)
def test_each_odd_file_is_a_frame_or_a_sentence(path):
    result = outcome(path, options=EVERYTHING)
    if isinstance(result, str):
        assert result.startswith(path.name)
        assert SENTENCE.fullmatch(result)
    else:
        assert path.name in {"scale.fits", "comp.fits", "checksum.fits"}
        assert np.isfinite(result.pixels).any()


@needs_data
@pytest.mark.parametrize("path", data_files(IMAGES), ids=name_of)
def test_each_real_frame_is_read_or_lacks_what_the_sentence_says(path):
    options = ReadOptions(ALL, hdu=None, verify_checksums=False, observed_at=EVERYTHING.observed_at)
    result = outcome(path, options=options)
    if isinstance(result, str):
        assert SENTENCE.fullmatch(result)
        assert re.search("CTYPE1: is missing|several images|all pixels are", result)
    else:
        header = fits.getheader(path, result.hdu)
        assert result.pixels.shape == (header["NAXIS2"], header["NAXIS1"])


@needs_data
@pytest.mark.parametrize("path", data_files(IMAGES)[::4], ids=name_of)
@pytest.mark.parametrize("fraction", [0.1, 0.6, 0.98])
def test_a_truncated_copy_of_a_real_frame_is_refused(path, fraction, tmp_path):
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes()[: int(fraction * path.stat().st_size) - 2900])
    with pytest.raises(BadImage) as refused:
        read_frame(copy, options=EVERYTHING)
    assert SENTENCE.fullmatch(str(refused.value))


@needs_data
def test_the_sky_of_a_tpv_frame_is_where_it_is_known_to_be():
    path = IMAGES / "decam_i_2epoch_transient/DEC-OBS04a.mini.fits"
    frame = read_frame(path, options=ReadOptions(verify_checksums=False))
    sky = frame.wcs.pixel_to_world(127.5, 127.5)
    known = SkyCoord("21:12:25.96 -66:00:56.2", unit=("hourangle", "deg"))
    # the position is given to 0.01 s and 0.1 arcsec
    assert sky.separation(known).arcsec < 0.15
    assert frame.pixel_scale_arcsec == pytest.approx(0.263, abs=0.003)
    assert frame.filter_band == "i"
