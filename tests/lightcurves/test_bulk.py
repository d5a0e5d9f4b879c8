"""Many light curves in one stream: exact, in few queries, with little memory."""

import io
import tracemalloc

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from lightcurves.exporting import bulk, bulk_rows
from lightcurves.exporting.bulk_rows import Selection
from lightcurves.models import (
    DataSet,
    Instrument,
    Observation,
    PhotometricSource,
    Target,
    TargetSpecificTime,
    TESSQualityFlags,
)
from tests.factories import make_user

pytestmark = pytest.mark.django_db
BULK = "/api/v1/lightcurves/datasets/bulk/"


@pytest.fixture
def reader():
    client = APIClient()
    user = make_user("r", group="guest")
    user.get_all_permissions()  # kept on the user, so that only the endpoint's queries count
    client.force_authenticate(user)
    return client


def read(reader, query="", expect=200):
    answer = reader.get(f"{BULK}?{query}")
    assert answer.status_code == expect, answer.content
    content = b"".join(answer.streaming_content)
    if "format=parquet" in query:
        return pq.read_table(io.BytesIO(content))
    return pa.ipc.open_stream(content).read_all()


@pytest.fixture
def curves(sky, make_dataset):
    """Two targets in one sector, two curves of the first; the second has neither times nor flags
    of its own, and other numbers."""
    aperture = PhotometricSource.objects.create(name="aperture")
    other = Target.objects.create(catalog=sky.catalog, name=77, ra=10.0, dec=-5.0)
    third = np.array([1 / 3, np.nan, -0.0, np.inf], np.float32)
    rows = [
        make_dataset(values=third, unit="electron / s", photometric_method=aperture),
        make_dataset(),
        make_dataset(target=other, values=(np.pi, 0.1, 7.0, 1e300)),
    ]
    where = {"target": sky.target, "observation": sky.observation}
    TargetSpecificTime.objects.create(barycentric_julian_dates=[1.5, 2.5, np.nan, 4.5], **where)
    TESSQualityFlags.objects.create(quality_flags=[0, 64, 2, 0], **where)
    TESSQualityFlags.objects.create(quality_flags=[1, 1, 1, 1], observation=sky.observation)
    return rows


@pytest.mark.parametrize("form", ["arrow", "parquet"])
def test_a_list_per_curve_holds_the_numbers_as_they_are_stored(reader, curves, form):
    table = read(reader, f"format={form}")
    assert table.num_rows == 3
    found = {row["dataset"]: row for row in table.to_pylist()}
    for row in curves:
        for name in ("value", "error"):
            stored = np.asarray(getattr(row, f"{name}s"), np.float64)
            assert np.array(found[row.pk][name]).tobytes() == stored.tobytes()
        assert found[row.pk]["cadence"] == [1, 2, 3, 5]
    first, second, lonely = (found[row.pk] for row in curves)
    assert np.array_equal(second["time"], [1.5, 2.5, np.nan, 4.5], equal_nan=True)
    assert (lonely["time"], lonely["ra"], lonely["name"]) == (None, 10.0, 77)
    # flags of the target itself where it has some, else those for all targets
    assert (second["tess_quality"], lonely["tess_quality"]) == ([0, 64, 2, 0], [1, 1, 1, 1])
    words = ("catalog", "mission", "time_format", "kind", "source", "method", "unit")
    assert [first[word] for word in words] == [
        "TIC", "TESS", "btjd", "tess", "aperture", "", "electron / s",
    ]  # fmt: skip


def test_a_row_per_point_is_a_table_as_pandas_likes_it(reader, curves):
    frame = read(reader, "layout=long").to_pandas()
    assert list(frame) == [
        "dataset", "target", "cadence", "time", "value", "error", "tess_quality",
    ]  # fmt: skip
    assert len(frame) == 12
    one = frame[frame.dataset == curves[0].pk]
    assert np.array_equal(one.value, curves[0].values.astype("f8"), equal_nan=True)
    assert frame[frame.dataset == curves[2].pk].time.isna().all()
    words = read(reader, "layout=long&columns=mission,source,value").to_pandas()
    assert list(words) == ["mission", "source", "value"]
    assert (words.mission == "TESS").all()
    assert (words.source == "aperture").sum() == 4


def test_values_are_narrow_where_all_that_was_asked_for_are(reader, curves):
    key = curves[0].pk
    narrow = read(reader, f"id={key}&columns=value")
    assert narrow.schema.field("value").type == pa.list_(pa.float32())
    assert np.array(narrow["value"][0].as_py(), "f4").tobytes() == curves[0].values.tobytes()
    assert read(reader, "columns=value").schema.field("value").type == pa.list_(pa.float64())


def test_what_is_streamed_is_chosen_by_target_cone_mission_and_columns(reader, curves):
    assert read(reader, "ra=10&dec=-5&radius=0.1")["dataset"].to_pylist() == [curves[2].pk]
    both = f"target={curves[0].target_id},{curves[2].target_id}&columns=dataset,n"
    assert read(reader, both).column_names == ["dataset", "n"]
    assert read(reader, both).num_rows == 3
    assert read(reader, "mission=TESS&kind=tess").num_rows == 3
    nothing = read(reader, "mission=Kepler&format=parquet")
    assert (nothing.num_rows, nothing.column_names[:2]) == (0, ["dataset", "target"])


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("layout=wide", "layout is 'wide'; it must be list or long"),
        ("columns=flux", "there is no column flux; there are dataset"),
        ("format=feather", "format is 'feather'; it must be arrow or parquet"),
        ("ra=1&dec=2", "A cone needs ra, dec and radius"),
    ],
)
def test_what_cannot_be_streamed_is_refused_before_it_begins(reader, curves, query, words):
    answer = reader.get(f"{BULK}?{query}")
    assert (answer.status_code, words in answer.content.decode()) == (400, True)


def store_many(sky, number, points):
    observation = Observation.objects.create(
        instrument=Instrument.objects.first(), cadence_reference=np.arange(points)
    )
    targets = [Target(catalog=sky.catalog, name=points * number + n) for n in range(number)]
    Target.objects.bulk_create(targets)
    numbers = np.random.default_rng(3).normal(size=points)
    common = {"observation": observation, "errors": numbers}
    DataSet.objects.copy_create(
        [DataSet(target=target, values=numbers + n, **common) for n, target in enumerate(targets)]
    )
    TargetSpecificTime.objects.copy_create(
        TargetSpecificTime(
            target=target, observation=observation, barycentric_julian_dates=np.arange(points) / 7
        )
        for target in targets
    )
    return observation


def test_a_thousand_curves_take_as_many_queries_as_one(reader, sky):
    counts = []
    for number in (1, 1000):
        observation = store_many(sky, number, 10)
        DataSet.objects.exclude(observation=observation).delete()
        Target.objects.filter(datasets=None).delete()
        with CaptureQueriesContext(connection) as captured:
            assert read(reader).num_rows == number
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_many_curves_need_no_more_memory_than_a_part_of_them(sky, monkeypatch):
    monkeypatch.setattr(bulk_rows, "POINTS", 20_000)
    monkeypatch.setattr(bulk, "POINTS", 20_000)
    peaks, sizes = [], []
    for number in (20, 160):
        observation = store_many(sky, number, 5_000)
        selection = Selection(DataSet.objects.filter(observation=observation))
        shape = bulk.shape_of(selection, "list", [])
        tracemalloc.start()
        arrow = most_arrow = 0
        before = pa.total_allocated_bytes()
        for part in bulk.stream(selection, shape, "arrow"):
            arrow += len(part)
            most_arrow = max(most_arrow, pa.total_allocated_bytes() - before)
        peaks.append(tracemalloc.get_traced_memory()[1] + most_arrow)
        tracemalloc.stop()
        sizes.append(arrow)
    assert sizes[1] > 7.5 * sizes[0]
    # eight times the curves; a part is 20,000 points of four columns: 640 kB, held some times over
    assert peaks[1] < 1.2 * peaks[0]
    assert peaks[1] < 8 * 20_000 * 4 * 8
