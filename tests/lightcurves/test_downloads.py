"""Light curves as files: read back by others, every number is the same to the bit."""

import io
import json
from io import StringIO

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.io.votable import parse
from astropy.table import Table
from astropy.time import Time
from astropy.timeseries import TimeSeries
from django.core.management import call_command
from rest_framework.test import APIClient

from lightcurves.models import (
    DataSet,
    Mission,
    MissionCatalog,
    Target,
    TargetSpecificTime,
    TESSQualityFlags,
)
from lightcurves.services import derive
from tests.factories import make_user
from tests.shared_data import shared

pytestmark = pytest.mark.django_db
KINDS = ("csv", "ecsv", "parquet", "votable", "fits")


@pytest.fixture
def reader():
    client = APIClient()
    user = make_user("r", group="guest")
    user.get_all_permissions()  # kept on the user, so that only the endpoint's queries count
    client.force_authenticate(user)
    return client


@pytest.fixture
def curve(sky, make_dataset):
    """A curve of float32 whose numbers no rounding leaves as they are, with a gap."""
    sky.target.ra, sky.target.dec = 63.375, -69.25
    sky.target.save()
    values = np.array([1 / 3, np.nan, -np.pi, 1e-30], np.float32)
    row = make_dataset(values=values, errors=np.abs(values) / 7, unit="electron / s")
    derive(row, [make_dataset()])
    where = {"target": sky.target, "observation": sky.observation}
    times = [1325.1 + 1 / 3, 1325.7, np.nan, 1326.123456789012]
    TargetSpecificTime.objects.create(barycentric_julian_dates=times, **where)
    TESSQualityFlags.objects.create(quality_flags=[0, 64, 2, 0], **where)
    return row


def address_of(row, kind):
    return f"/api/v1/lightcurves/datasets/{row.pk}/download/?format={kind}"


def fetch(reader, row, kind):
    answer = reader.get(address_of(row, kind))
    assert answer.status_code == 200
    return answer, b"".join(answer.streaming_content)


def columns_in(kind, content):
    """Read a file by the usual program for it; give arrays by the names they have there."""
    if kind == "fits":
        data = fits.open(io.BytesIO(content))["LIGHTCURVE"].data
        return {name: np.asarray(data[name]) for name in data.names}
    if kind == "parquet":
        table = pq.read_table(io.BytesIO(content))
        return {name: table[name].to_numpy() for name in table.column_names}
    if kind == "votable":
        array = parse(io.BytesIO(content)).get_first_table().array.data
        return {name: array[name] for name in array.dtype.names}
    table = Table.read(content.decode(), format=f"ascii.{kind}")
    return {name: np.ma.getdata(table[name]) for name in table.colnames}


def same_bits(found, stored):
    assert found.dtype.itemsize == stored.dtype.itemsize
    native = found.astype(found.dtype.newbyteorder("="))
    return native.tobytes() == stored.tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_read_by_others_has_every_number_as_it_is_stored(reader, curve, kind):
    found = columns_in(kind, fetch(reader, curve, kind)[1])
    names = ["TIME", "CADENCENO", "FLUX", "FLUX_ERR", "QUALITY"]
    plain = ["time", "cadence", "flux", "flux_err", "tess_quality"]
    assert list(found) == (names if kind == "fits" else plain)
    times = TargetSpecificTime.objects.with_arrays().get().barycentric_julian_dates
    stored = (times, curve.observation.cadence_reference, curve.values, curve.errors)
    for array, wanted in zip(found.values(), stored, strict=False):
        if kind == "csv":  # tells no dtype: the digits are those of the width that is stored
            array = array.astype(wanted.dtype)
        if kind == "ecsv":
            assert array.dtype == wanted.dtype
        assert same_bits(array, wanted)
    assert list(found.values())[4].tolist() == [0, 64, 2, 0]


def test_fits_says_unit_time_place_and_origin_as_tess_files_do(reader, curve):
    answer, content = fetch(reader, curve, "fits")
    assert answer["Content-Disposition"] == f'attachment; filename="tic-1234-{curve.pk}.fits"'
    with fits.open(io.BytesIO(content), checksum=True) as parts:
        head, body = parts[0].header, parts[1].header
        assert (head["TELESCOP"], head["OBJECT"], head["SECTOR"]) == ("TESS", "TIC 1234", 1)
        assert (head["RA_OBJ"], head["DEC_OBJ"], head["RADESYS"]) == (63.375, -69.25, "ICRS")
        assert head["PARENTS"] == f"dataset {curve.source_datasets.get().pk}"
        assert body["TUNIT3"] == "e-/s"
        assert (body["BJDREFI"], body["BJDREFF"], body["TIMESYS"]) == (2457000, 0.0, "TDB")
        assert (body["TIMEUNIT"], body["TREFPOS"], body["EXTNAME"]) == (
            "d", "BARYCENTER", "LIGHTCURVE",
        )  # fmt: skip
        assert "64 cosmic_ray" in body["TCOMM5"]
    with pytest.warns(UserWarning, match="Ignoring 1 rows with NaN times"):
        series = TimeSeries.read(
            io.BytesIO(content), format="tess.fits", unit_parse_strict="silent"
        )
    assert series["flux"].unit == u.electron / u.s
    assert series.time[0].tdb.jd == pytest.approx(2457000 + 1325.1 + 1 / 3, abs=1e-9)  # double


def test_votable_says_its_count_of_time(reader, curve):
    document = parse(io.BytesIO(fetch(reader, curve, "votable")[1]))
    (resource,) = document.resources
    (system,) = resource.time_systems
    assert (system.timeorigin, system.timescale, system.refposition) == (
        2457000.0, "TDB", "BARYCENTER",
    )  # fmt: skip
    time, _, flux, *_ = document.get_first_table().fields
    assert (time.ref, time.ucd, str(time.unit)) == (system.ID, "time.epoch", "d")
    assert (flux.ucd, str(flux.unit)) == ("phot.flux", "electron / s")
    infos = {info.name: info.value for info in resource.infos}
    assert (infos["sector"], infos["target"], infos["ra"]) == ("1", "TIC 1234", "63.375")


def test_ecsv_and_parquet_carry_units_meanings_and_origin(reader, curve):
    table = Table.read(fetch(reader, curve, "ecsv")[1].decode(), format="ascii.ecsv")
    assert table["flux"].unit == u.electron / u.s
    assert table["time"].description == "JD - 2457000 (TDB, barycentric)"
    Mission.objects.get().register_time_format()
    moment = Time(table["time"][0], format=table.meta["time_format"])
    assert moment.tdb.jd == pytest.approx(2458325.4333333, abs=1e-6)  # digits written here
    schema = pq.read_schema(io.BytesIO(fetch(reader, curve, "parquet")[1]))
    facts = json.loads(schema.metadata[b"astrid"])
    assert facts == {name: table.meta[name] for name in facts}
    assert schema.field("flux").metadata[b"unit"] == b"electron / s"


def test_the_observers_clock_is_told_from_the_barycentre(reader, curve):
    Mission.objects.update(time_epoch=0, time_epoch_format="mjd", time_epoch_scale="utc")
    with fits.open(io.BytesIO(fetch(reader, curve, "fits")[1])) as parts:
        header = parts[1].header
    assert (header["TREFPOS"], header["TIMESYS"]) == ("TOPOCENTER", "UTC")
    assert (header["JDREFI"], header["JDREFF"]) == (2400000, 0.5)
    assert "BJDREFI" not in header


def test_magnitudes_without_times_or_flags_have_columns_of_their_own_name(reader, make_dataset):
    row = make_dataset(unit="mag")
    assert fetch(reader, row, "csv")[1].splitlines()[0] == b"cadence,magnitude,magnitude_err"


def test_a_format_that_is_not_there_is_refused_in_words(reader, curve):
    answer = reader.get(address_of(curve, "xls"))
    assert answer.status_code == 400
    words = "format is 'xls'; it must be csv or ecsv or parquet or votable or fits"
    assert words in answer.json()["detail"]
    assert reader.get(address_of(DataSet(pk=10**8), "csv")).status_code == 404
    assert APIClient().get(address_of(curve, "csv")).status_code in (401, 403)


def test_a_download_costs_the_same_queries_whatever_is_stored(
    reader, curve, django_assert_num_queries
):
    other = MissionCatalog.objects.create(host_mission=Mission.objects.get(), name="other")
    Target.objects.create(catalog=other, name=1)
    # curve with all beside it, flags, times, instrument, sources
    with django_assert_num_queries(5):
        fetch(reader, curve, "fits")


def test_a_real_file_comes_back_out_as_it_went_in(reader):
    path = shared(
        "lightcurves/kepler_tess_fits/"
        "hlsp_tess-data-alerts_tess_phot_00025155310-s01_tess_v1_lc.fits"
    )
    call_command("import_lightcurves", path, stdout=StringIO())
    row = DataSet.objects.get(processing_method__name="SPOC PDC")
    with fits.open(path) as parts, fits.open(io.BytesIO(fetch(reader, row, "fits")[1])) as ours:
        before, after = parts[1].data, ours[1].data
        pairs = [("TIME", "TIME"), ("CADENCENO", "CADENCENO"), ("PDCSAP_FLUX", "FLUX"),
                 ("PDCSAP_FLUX_ERR", "FLUX_ERR"), ("QUALITY", "QUALITY")]  # fmt: skip
        for column, name in pairs:
            assert np.array_equal(before[column], after[name], equal_nan=True), name
        theirs = dict(parts[0].header) | dict(parts[1].header)
        for keyword in ("RA_OBJ", "DEC_OBJ", "SECTOR", "OBJECT", "TELESCOP"):
            assert ours[0].header[keyword] == theirs[keyword]
        assert ours[1].header["BJDREFI"] == parts[1].header["BJDREFI"]
