"""`manage.py import_lightcurves`: each file once, bit for bit; a broken one costs only itself."""

import csv
import json
import re
from io import StringIO

import numpy as np
import pytest
from astropy.io import fits
from astropy.time import Time
from django.core.management import CommandError, call_command
from django.db import connection

from astrid.core.array_stores import STORES
from lightcurves.models import (
    DataSet,
    DataSetHierarchy,
    Instrument,
    KeplerObservation,
    Mission,
    MissionCatalog,
    Observation,
    QualityFlagArray,
    Target,
    TargetSpecificTime,
    TESSObservation,
    ZTFObservation,
)
from tests.lightcurves.products import SPOC, spoc_columns, write
from tests.shared_data import shared

pytestmark = pytest.mark.django_db
ROWS = (
    Mission, MissionCatalog, Target, Instrument, Observation, DataSet, DataSetHierarchy,
    TargetSpecificTime, QualityFlagArray,
)  # fmt: skip
TESS_ALERT = "kepler_tess_fits/hlsp_tess-data-alerts_tess_phot_00025155310-s01_tess_v1_lc.fits"
KEPLER = "kepler_tess_fits/kplr010666592-2009131110544_slc.fits"
TGLC = "tess_tglc/hlsp_tglc_tess_ffi_gaiaid-6399196263939178880-s0001-cam2-ccd1_tess_v1_llc.fits"
# column of values, column of errors, source, method
NASA = [
    ("SAP_FLUX", "SAP_FLUX_ERR", "{} aperture photometry", None),
    ("PDCSAP_FLUX", "PDCSAP_FLUX_ERR", "{} aperture photometry", "{} PDC"),
    ("SAP_BKG", "SAP_BKG_ERR", "{} aperture background", None),
]
REAL = [
    (TESS_ALERT, "SPOC", NASA, {"QUALITY": "tess_quality"}, "CADENCENO"),
    (KEPLER, "Kepler", NASA, {"SAP_QUALITY": "kepler_quality"}, "CADENCENO"),
    (
        TGLC, "TGLC",
        [
            ("psf_flux", None, "TGLC PSF photometry", None),
            ("cal_psf_flux", None, "TGLC PSF photometry", "TGLC biweight"),
            ("aperture_flux", None, "TGLC aperture photometry", None),
            ("cal_aper_flux", None, "TGLC aperture photometry", "TGLC biweight"),
            ("background", None, "TGLC background", None),
        ],
        {"TESS_flags": "tess_quality", "TGLC_flags": "tglc_quality"}, "cadence_num",
    ),
]  # fmt: skip


def take(*files, **options):
    """Import; give what the command prints as JSON."""
    out = StringIO()
    try:
        call_command("import_lightcurves", *map(str, files), json=True, stdout=out,
                     stderr=StringIO(), **options)  # fmt: skip
    except CommandError as error:
        return json.loads(out.getvalue()) | {"said": str(error), "code": error.returncode}
    return json.loads(out.getvalue())


def counts():
    return [model.objects.count() for model in ROWS]


def dataset(source, method):
    rows = DataSet.objects.with_arrays().filter(photometric_method__name=source)
    return rows.get(processing_method__name=method)


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize(("file", "maker", "fluxes", "flags", "cadence"), REAL)
def test_a_real_file_is_stored_bit_for_bit(store, file, maker, fluxes, flags, cadence):
    path = shared("lightcurves") / file
    assert take(path, store=store)["new"] == 1
    table = fits.getdata(path, 1)

    def in_file(name):
        return table[name].astype(table[name].dtype.newbyteorder("="))

    for values, errors, source, method in fluxes:
        row = dataset(source.format(maker), method and method.format(maker))
        assert row.values.tobytes() == in_file(values).tobytes()
        if errors:
            assert row.errors.tobytes() == in_file(errors).tobytes()
    for name, kind in flags.items():
        stored = QualityFlagArray.objects.get(type=kind).quality_flags
        np.testing.assert_array_equal(stored, in_file(name))
    times = TargetSpecificTime.objects.get().barycentric_julian_dates
    assert times.tobytes() == in_file("TIME").tobytes()
    np.testing.assert_array_equal(Observation.objects.get().cadence_reference, in_file(cadence))
    assert STORES[store].has(held_values())


def held_values():
    """Give the bytes of a column of some row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT values FROM lightcurves_dataset LIMIT 1")
        return bytes(cursor.fetchone()[0])


def test_a_real_file_says_what_was_observed():
    take(shared("lightcurves") / TESS_ALERT, shared("lightcurves") / KEPLER)
    tess, kepler = TESSObservation.objects.get(), KeplerObservation.objects.get()
    assert (tess.sector, tess.exposure_s, tess.product) == (1, 120.0, "SPOC")
    assert list(map(str, tess.instrument.path())) == ["TESS", "Camera 4", "CCD 1"]
    assert (kepler.quarter, kepler.mode) == (0, "short cadence")
    assert {str(row) for row in Target.objects.all()} == {"TIC 25155310", "KIC 10666592"}
    flags = QualityFlagArray.objects.get(type="kepler_quality")
    raw = fits.getdata(shared("lightcurves") / KEPLER, 1)["SAP_QUALITY"]
    assert flags.has("cosmic_ray").sum() == np.count_nonzero(raw & 128) > 0


def test_stored_times_are_times_of_astropy():
    take(shared("lightcurves") / TESS_ALERT)
    Mission.objects.get(name="TESS").register_time_format()
    stored = TargetSpecificTime.objects.get().barycentric_julian_dates
    first = Time(stored[0], format="btjd")
    assert first.scale == "tdb"
    # 1325.29525977 d after JD 2457000; two floats keep it to 1e-16 of a day, the text to 1e-8
    assert first.jd == pytest.approx(2458325.29525977, abs=1e-8)
    assert first.btjd == stored[0]


def test_real_ztf_fluxes_are_stored_exactly():
    path = shared("lightcurves/skyportal/ZTFrlh6cyjh_phot.csv")
    assert take(path)["datasets"] == 3
    with path.open() as lines:
        rows = sorted(
            (float(row["mjd"]), float(row["flux"]), float(row["fluxerr"]))
            for row in csv.DictReader(lines) if row["filter"] == "ztfg"
        )  # fmt: skip
    green = DataSet.objects.get(observation=ZTFObservation.objects.get(filter_name="g"))
    times = TargetSpecificTime.objects.get(observation=green.observation_id)
    stored = (times.barycentric_julian_dates, green.values, green.errors)
    assert list(zip(*(array.tolist() for array in stored), strict=True)) == rows


def test_all_real_files_are_taken_and_the_second_time_known():
    folder = shared("lightcurves")
    first = take(folder)
    assert (first["files"], first["new"], first["refused"]) == (6, 6, 0)
    assert sum("rows are counted from 0" in one["note"] for one in first["notes"]) == 2
    before = counts()
    again = take(folder)
    assert (again["new"], again["known"], again["datasets"]) == (0, 6, 0)
    assert counts() == before


class TestCurvesOfOurOwn:
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path):
        self.folder = tmp_path / "curves"
        self.folder.mkdir()

    def file(self, name="a.fits", columns=None, **keywords):
        return write(self.folder / name, spoc_columns() | (columns or {}), SPOC | keywords)

    def test_the_detrended_flux_was_derived_from_the_raw_one(self):
        take(self.file())
        raw = dataset("SPOC aperture photometry", None)
        detrended = dataset("SPOC aperture photometry", "SPOC PDC")
        assert list(detrended.sources()) == [raw]
        assert (raw.t_first, raw.minimum, raw.n) == (1325.0, 100.0, 6)

    def test_targets_of_one_observation_share_it_also_between_imports(self):
        take(self.file(), self.file("b.fits", TICID=2))
        take(self.file("c.fits", TICID=3))
        take(self.file("d.fits", TICID=4, CCD=2))
        assert Observation.objects.count() == 2
        assert Target.objects.count() == 4
        assert sorted(row.name for row in Instrument.objects.all()) == [
            "CCD 1", "CCD 2", "Camera 4", "TESS",
        ]  # fmt: skip

    def test_a_broken_file_costs_only_itself_and_ends_in_a_sentence(self):
        broken = self.file("b.fits", {"TIME": None}, TICID=2)
        missing = self.folder / "c.fits"
        found = take(self.file(), broken, missing, self.file("d.fits", TICID=4))
        assert (found["new"], found["refused"], found["code"]) == (2, 2, 1)
        assert found["said"] == "2 of 4 files refused"
        reasons = {one["file"]: one["reason"] for one in found["refusals"]}
        assert reasons[str(broken)].startswith("there is no column TIME")
        assert reasons[str(missing)].endswith("no such file or directory")
        assert sorted(Target.objects.values_list("name", flat=True)) == [4, 1234]

    def test_the_same_curve_under_two_names_is_stored_once(self):
        found = take(self.file(), self.file("b.fits"))
        assert (found["new"], found["known"]) == (1, 1)
        assert DataSet.objects.count() == 2

    def test_another_processing_with_the_same_times_stands_beside_the_first(self):
        take(self.file())
        other = self.file("b.fits", {"PDCSAP_FLUX": np.arange(6, dtype=np.float32)})
        assert take(other)["datasets"] == 1
        rows = DataSet.objects.filter(processing_method__name="SPOC PDC")
        assert rows.count() == 2
        assert {row.source_datasets.get().pk for row in rows} == {
            dataset("SPOC aperture photometry", None).pk
        }

    @pytest.mark.parametrize("together", [True, False])
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"TIME": 1325.5 + np.arange(6) / 720}, r"times of TIC 1234 .* cadence 70444 \(1325.0"),
            ({"QUALITY": np.full(6, 64, np.int32)}, "tess_quality of TIC 1234 are stored"),
        ],
    )
    def test_other_times_or_flags_of_the_same_observation_are_refused(
        self, together, change, words
    ):
        first, second = self.file(), self.file("b.fits", change)
        if together:
            found = take(first, second)
            before = counts()
        else:
            take(first)
            before = counts()
            found = take(second)
        (refusal,) = found["refusals"]
        assert refusal["file"] == str(second)
        assert re.search(words, refusal["reason"])
        assert counts() == before
        assert DataSet.objects.count() == 2

    def test_a_mission_that_counts_otherwise_is_named(self):
        Mission.objects.create(name="TESS", time_epoch="2450000", time_format_name="btjd")
        (refusal,) = take(self.file())["refusals"]
        assert refusal["reason"].startswith("mission TESS counts d since 2450000 (tdb)")
        assert not Target.objects.exists()

    def test_a_time_format_of_another_mission_is_named(self):
        Mission.objects.create(name="Other", time_epoch="2457000", time_format_name="btjd")
        (refusal,) = take(self.file())["refusals"]
        assert refusal["reason"].startswith("btjd is the time format of mission Other")

    def test_what_was_stored_before_by_hand_is_used(self):
        mission = Mission.objects.create(name="TESS", time_epoch="2457000", time_format_name="x")
        catalog = MissionCatalog.objects.create(host_mission=mission, name="TIC")
        target = Target.objects.create(catalog=catalog, name=1234)
        take(self.file())
        assert DataSet.objects.filter(target=target).count() == 2

    def test_moved_curves_are_known(self):
        take(self.file(), store="packed")
        assert take(self.file("b.fits"))["known"] == 1

    def test_without_json_it_speaks(self):
        out = StringIO()
        call_command("import_lightcurves", str(self.file()), stdout=out)
        assert out.getvalue().startswith("1 files: 1 new with 2 datasets, 0 known, 0 refused")

    def test_a_folder_without_curves_is_an_error(self):
        with pytest.raises(CommandError, match=r"no file there ends in \.fits"):
            call_command("import_lightcurves", str(self.folder))


def test_places_and_units_are_taken_from_the_files_and_filled_in_later_where_they_were_not(
    tmp_path,
):
    placed = SPOC | {"RA_OBJ": 359.5, "DEC_OBJ": -69.25}
    file = write(tmp_path / "a_lc.fits", spoc_columns(), placed, units={"SAP_FLUX": "e-/s"})
    call_command("import_lightcurves", file, "--json", stdout=StringIO())
    target = Target.objects.get()
    assert (target.ra, target.dec) == (359.5, -69.25)
    assert Target.objects.cone_search(0.0, -69.25, 0.2).get() == target
    units = dict(DataSet.objects.values_list("processing_method__name", "unit"))
    assert units == {None: "electron / s", "SPOC PDC": ""}
    Target.objects.update(ra=None, dec=None, hpx=None)
    DataSet.objects.update(unit="")
    assert not Target.objects.cone_search(0.0, 0.0, 180.0).exists()
    call_command("import_lightcurves", file, "--json", stdout=StringIO())
    assert Target.objects.nearest(0.0, -69.25, 0.2) == target
    assert DataSet.objects.filter(unit="electron / s").count() == 1
    assert DataSet.objects.count() == 2


def test_a_place_outside_the_sky_is_refused(tmp_path, capsys):
    placed = SPOC | {"RA_OBJ": 12.0, "DEC_OBJ": 91.0}
    file = write(tmp_path / "a_lc.fits", spoc_columns(), placed)
    with pytest.raises(CommandError):
        call_command("import_lightcurves", file, "--json", stdout=StringIO())
    assert "dec is 91.0; it must lie in -90 to 90 degrees" in capsys.readouterr().err


def test_magnitudes_and_fluxes_of_tables_say_their_unit_and_where_they_are(tmp_path):
    file = tmp_path / "ZTF18abc_1.csv"
    file.write_text(
        "mjd,filter,flux,fluxerr,zp,magsys,ra,dec\n"
        "59000.1,ztfg,10,1,23.9,ab,30.0,-5.0\n59001.1,ztfg,12,1,23.9,ab,30.0002,-5.0\n"
        "59002.1,ztfg,12,1,23.9,ab,30.0001,-5.0\n"
    )
    call_command("import_lightcurves", file, stdout=StringIO())
    assert DataSet.objects.get().unit == "uJy"
    assert (Target.objects.get().ra, Target.objects.get().dec) == (30.0001, -5.0)
