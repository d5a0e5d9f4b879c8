"""Files of light curves become arrays bit for bit, or a sentence about what is wrong."""

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lightcurves.errors import BadLightCurve
from lightcurves.reading.files import read_file
from lightcurves.reading.ztf import target_name, target_number
from tests.lightcurves.products import COUNT, KEPLER, QLP, SPOC, TGLC, spoc_columns, write

SOME_FILES = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
# Any bit pattern of a float: payloads of NaN, negative zeros, numbers below the least normal one.
FLOATS = hnp.arrays(np.uint32, 6).map(lambda bits: bits.view(np.float32))
BITS = hnp.arrays(np.int32, 6, elements=st.integers(0, 2**31 - 1))
CADENCES = st.sets(st.integers(0, 2**31 - 1), min_size=6, max_size=6).map(
    lambda found: np.array(sorted(found), np.int32)
)
TIMES = hnp.arrays(np.float64, 6, elements=st.floats(0, 1e5)).map(np.sort)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(flux=FLOATS, errors=FLOATS, bits=BITS, cadences=CADENCES, times=TIMES)
def test_whatever_is_written_is_read_bit_for_bit(tmp_path, flux, errors, bits, cadences, times):
    flux[0] = 1.0
    columns = spoc_columns() | {
        "TIME": times, "CADENCENO": cadences, "SAP_FLUX": flux, "SAP_FLUX_ERR": errors,
        "QUALITY": bits,
    }  # fmt: skip
    (curve,) = read_file(write(tmp_path / "a.fits", columns, overwrite=True, checksum=True))
    assert curve.measured[0].values.tobytes() == flux.tobytes()
    assert curve.measured[0].errors.tobytes() == errors.tobytes()
    assert curve.flags["tess_quality"].tobytes() == bits.tobytes()
    assert curve.times.tobytes() == times.tobytes()
    assert curve.cadences.tolist() == cadences.tolist()


def test_spoc_says_target_instrument_and_sector(tmp_path):
    (curve,) = read_file(write(tmp_path / "a.fits", spoc_columns()))
    assert (curve.mission.name, curve.target) == ("TESS", 1234)
    assert curve.instrument == ("TESS", "Camera 4", "CCD 1")
    assert curve.facts == {"sector": 1, "exposure_s": 120.0, "product": "SPOC"}
    ways = [(one.column, one.method, one.derived_from) for one in curve.measured]
    assert ways == [("SAP_FLUX", None, None), ("PDCSAP_FLUX", "SPOC PDC", "SAP_FLUX")]


def test_qlp_is_told_by_its_origin(tmp_path):
    columns = spoc_columns()
    renamed = {name.replace("PDCSAP", "KSPSAP"): array for name, array in columns.items()}
    del renamed["SAP_FLUX_ERR"]
    (curve,) = read_file(write(tmp_path / "a.fits", renamed, QLP))
    assert curve.facts["product"] == "QLP"
    raw, detrended = curve.measured
    assert (raw.column, detrended.column) == ("SAP_FLUX", "KSPSAP_FLUX")
    assert np.isnan(raw.errors).all()
    assert detrended.errors.tolist() == [0.25] * 6


def test_tglc_states_one_error_for_all_and_has_flags_of_its_own(tmp_path):
    columns = spoc_columns()
    tglc = {
        "time": columns["TIME"], "cal_psf_flux": columns["SAP_FLUX"],
        "psf_flux": columns["PDCSAP_FLUX"], "cadence_num": columns["CADENCENO"],
        "TESS_flags": np.array([0, 32, -32768, 0, 0, 0], np.int16),
        "TGLC_flags": np.array([0, 1, 0, 0, 0, 0], np.int16),
    }  # fmt: skip
    header = COUNT | {"XPTIME": 1800, "CPSF_ERR": 0.5, "TIMEDEL": 0.02}
    (curve,) = read_file(write(tmp_path / "a.fits", tglc, TGLC, header))
    assert (curve.target, curve.facts["exposure_s"]) == (1234, 1800.0)
    assert curve.flags["tess_quality"].tolist() == [0, 32, 32768, 0, 0, 0]
    assert curve.flags["tglc_quality"].tolist() == [0, 1, 0, 0, 0, 0]
    errors = {one.column: one.errors[0] for one in curve.measured}
    assert errors["CAL_PSF_FLUX"] == 0.5
    assert np.isnan(errors["PSF_FLUX"])


@pytest.mark.parametrize(
    ("changes", "mission", "when"),
    [({}, "Kepler", ("quarter", 3)), ({"CAMPAIGN": 5}, "K2", ("campaign", 5))],
)
def test_kepler_and_k2_count_from_their_own_date(tmp_path, changes, mission, when):
    columns = spoc_columns()
    columns["SAP_QUALITY"] = columns.pop("QUALITY")
    header = COUNT | {"BJDREFI": 2454833}
    (curve,) = read_file(write(tmp_path / "a.fits", columns, KEPLER | changes, header))
    assert (curve.mission.name, curve.target, curve.kind) == (mission, 77, "kepler")
    assert when in curve.facts.items()


def test_a_column_without_a_finite_value_is_left_out_and_named(tmp_path):
    columns = spoc_columns() | {"PDCSAP_FLUX": np.full(6, np.nan, np.float32)}
    (curve,) = read_file(write(tmp_path / "a.fits", columns))
    assert [one.column for one in curve.measured] == ["SAP_FLUX"]
    assert curve.notes == ("left out, no finite value: PDCSAP_FLUX",)


def test_rows_are_counted_where_all_have_one_cadence_number(tmp_path):
    columns = spoc_columns() | {"CADENCENO": np.zeros(6, np.int32)}
    (curve,) = read_file(write(tmp_path / "a.fits", columns))
    assert curve.cadences.tolist() == [0, 1, 2, 3, 4, 5]
    assert curve.facts["numbered_by_row"] is True
    assert "rows are counted from 0" in curve.notes[0]


NAN = np.full(6, np.nan, np.float32)


@pytest.mark.parametrize(
    ("columns", "keywords", "words"),
    [
        ({"TIME": None}, {}, "there is no column TIME; there are CADENCENO, SAP_FLUX"),
        ({"SAP_FLUX": None, "PDCSAP_FLUX": None}, {}, "no column of flux; SPOC has SAP_FLUX"),
        ({"SAP_FLUX": NAN, "PDCSAP_FLUX": NAN}, {}, "no column of flux has a finite value"),
        ({"TIME": np.full(6, np.nan)}, {}, "none of the 6 times is finite"),
        ({"TIME": np.array([1, 2, 1.5, 3, 4, 5])}, {}, "times run backwards at row 3: 1.5"),
        ({"CADENCENO": np.array([1, 2, 2, 3, 4, 5])}, {}, "row 3 has 2 after 2"),
        ({"CADENCENO": np.array([1, 3, 2, 4, 5, 6])}, {}, "row 3 has 2 after 3"),
        ({"SAP_FLUX": np.arange(6, dtype=np.int32)}, {}, "SAP_FLUX is int32; it must be float64"),
        ({"QUALITY": np.full(6, -2, np.int32)}, {}, "tess_quality of int32 are no bits"),
        ({}, {"SECTOR": None}, "there is no keyword SECTOR"),
        ({}, {"TELESCOP": "JWST"}, "TELESCOP is 'JWST'; light curves of TESS, Kepler and K2"),
        ({}, {"TICID": ""}, "there is no keyword TICID"),
        ({}, {"TICID": "TIC 5"}, "TICID is 'TIC 5'; it must be a whole number"),
        ({}, {"TICID": -5}, "the target is -5"),
        ({}, {"BJDREFI": 2454833}, "times count from BJD 2454833.0; those of TESS count"),
        ({}, {"TIMESYS": "UTC"}, "times are in utc; those of TESS are in tdb"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_used_is_refused_with_what_is_wrong(
    tmp_path, columns, keywords, words
):
    headers = [
        header | {name: value for name, value in keywords.items() if name in header}
        for header in (SPOC, COUNT)
    ]
    path = write(tmp_path / "a.fits", spoc_columns() | columns, *headers)
    with pytest.raises(BadLightCurve, match=words):
        read_file(path)


def spoiled(content):
    """Change one byte of the table, behind both headers."""
    place = content.index(b"END     ", content.index(b"XTENSION")) + 2880
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: b"", "not readable as FITS"),
        (lambda content: b"II*\0" + content, "not readable as FITS: No SIMPLE card found"),
        (lambda content: content[:6000], "cut off|not readable as FITS"),
        (lambda content: content[:-2000], "cut off: buffer is too small"),
        (lambda content: content[:2880], "there is no table"),
        (spoiled, "damaged: Datasum verification failed"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, change, words):
    path = write(tmp_path / "a.fits", spoc_columns(900), checksum=True)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(BadLightCurve, match=words):
        read_file(path)


def test_an_edited_header_does_no_harm(tmp_path):
    path = write(tmp_path / "a.fits", spoc_columns(), checksum=True)
    with fits.open(path, mode="update") as units:
        units[1].header["OBSERVER"] = "me"
    (curve,) = read_file(path)
    assert curve.cadences.size == 6


def test_a_file_of_another_kind_is_refused(tmp_path):
    with pytest.raises(BadLightCurve, match=r"ends in none of \.fits"):
        read_file(tmp_path / "curve.txt")
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "missing.fits")


class TestZTF:
    def read(self, tmp_path, *lines, name="ZTF18abcdefg_phot.csv"):
        path = tmp_path / name
        path.write_text("\n".join(lines))
        return read_file(path)

    def test_fluxes_are_parted_by_band_and_sorted_by_time(self, tmp_path):
        blue, red = self.read(
            tmp_path,
            "filter,mjd,flux,zp,magsys,fluxerr",
            "ztfr,58003.5,30.5,25.0,ab,1.5",
            "ztfg,58002.25,0.1,25.0,ab,0.2",
            "ztfr,58001.5,29.5,25.0,ab,",
        )
        assert (blue.facts["filter_name"], red.facts["filter_name"]) == ("g", "r")
        assert (red.facts["zero_point"], red.facts["mag_system"]) == (25.0, "ab")
        assert red.times.tolist() == [58001.5, 58003.5]
        assert red.cadences.tolist() == [58001.5 * 86_400, 58003.5 * 86_400]
        assert red.measured[0].values.tolist() == [29.5, 30.5]
        np.testing.assert_array_equal(red.measured[0].errors, [np.nan, 1.5])
        assert target_name(red.target) == "ZTF18abcdefg"

    def test_alerce_has_a_sign_beside_its_magnitudes(self, tmp_path):
        (curve,) = self.read(
            tmp_path,
            "oid,mjd,fid,magpsf,sigmapsf,isdiffpos",
            "ZTF20aaelulu,58001.5,1,18.5,0.1,1",
            "ZTF20aaelulu,58002.5,1,18.25,0.2,-1",
        )
        assert curve.measured[0].source == "ALeRCE difference magnitude"
        assert curve.flags["alerce_quality"].tolist() == [0, 1]
        assert target_name(curve.target) == "ZTF20aaelulu"

    def test_the_archive_has_flags(self, tmp_path):
        (curve,) = self.read(
            tmp_path,
            "oid,expid,hjd,mjd,mag,magerr,catflags,filtercode",
            "686103400067717,1,2458001.9,58001.5,18.5,0.1,0,zr",
            "686103400067717,2,2458002.9,58002.5,18.5,0.1,32768,zr",
        )
        assert curve.target == 686103400067717
        assert curve.flags["ztf_quality"].tolist() == [0, 32768]

    @pytest.mark.parametrize(
        ("lines", "words"),
        [
            (["a,b", "1,2"], "the columns are a, b; known are filter, flux"),
            ([""], "the columns are none"),
            (["filter,mjd,flux,fluxerr"], "no row below"),
            (["filter,mjd,flux,fluxerr", "ztfx,1,2,3"], "the band is 'ztfx'"),
            (["filter,mjd,flux,fluxerr", "ztfg"], "1 rows have no mjd"),
            (["filter,mjd,flux,fluxerr", "ztfg,one,2,3"], "column mjd: could not convert"),
            (["filter,mjd,flux,fluxerr", "ztfg,1,2,3", "ztfg,1,4,3"], "two rows .* MJD 1.0"),
            (
                ["filter,mjd,flux,fluxerr,zp", "ztfg,1,2,3,25", "ztfg,2,4,3,26"],
                "column zp varies: 25, 26",
            ),
            (["filter,mjd,flux,fluxerr", "ztfg,1,,3"], "no column of flux has a finite value"),
            (["oid,filter,mjd,flux,fluxerr", "M31,ztfg,1,2,3"], "the object is 'M31'"),
            (["oid,filter,mjd,flux,fluxerr", "ZTF0a,ztfg,1,2,3"], "must not begin with 0"),
        ],
    )
    def test_a_table_that_cannot_be_used_is_refused(self, tmp_path, lines, words):
        with pytest.raises(BadLightCurve, match=words):
            self.read(tmp_path, *lines)

    def test_bytes_that_are_no_text_are_refused(self, tmp_path):
        (tmp_path / "a.csv").write_bytes(b"mjd,\xff\xfe\x00")
        with pytest.raises(BadLightCurve, match="not readable as comma-separated values"):
            read_file(tmp_path / "a.csv")

    @given(st.integers(0, 99), st.text("abcdefghijklmnopqrstuvwxyz0123456789", max_size=9))
    def test_a_name_comes_back_from_its_number(self, year, rest):
        name = f"ZTF{year + 1}{rest}"[:14]
        assert target_name(target_number(name)) == name
        assert target_number(name) < 2**63
