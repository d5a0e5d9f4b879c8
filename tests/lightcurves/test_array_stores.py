"""Rows whose arrays lie in different stores are alike for whoever reads them."""

import json
from io import StringIO

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F, Func, TextField
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from astrid.core import shards
from astrid.core import store as core_store
from astrid.core.array_stores import STORES
from astrid.core.errors import CorruptFile, MissingFile
from lightcurves.choosing import store_for_new
from lightcurves.models import (
    DataSet,
    Observation,
    TargetSpecificTime,
    TESSObservation,
    TESSQualityFlags,
)
from lightcurves.models.slices import ArraySlice

SOME_EXAMPLES = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(params=STORES)
def store(request):
    shards.forget()
    return STORES[request.param]


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def move(to, *, text=False, **options):
    out = StringIO()
    call_command("move_lightcurves", to=to, json=not text, stdout=out, **options)
    return out.getvalue() if text else json.loads(out.getvalue())


class TestEveryStore:
    def test_copied_rows_are_as_created_ones_but_for_the_store(self, store, sky, make_dataset):
        given = [make_dataset([n, np.nan, 2.0, 3.0], save=False) for n in range(3)]
        DataSet.objects.copy_create(given, store)
        other = make_dataset([0.0, np.nan, 2.0, 3.0])
        found = DataSet.objects.with_arrays().order_by("pk")
        assert [row.pk for row in found][:3] == [row.pk for row in given]
        assert [row.values[0] for row in found] == [0.0, 1.0, 2.0, 0.0]
        skipped = {"id", "values", "errors", "created_at", "updated_at"}
        for field in DataSet._meta.concrete_fields:
            if field.name not in skipped:
                assert getattr(found[0], field.attname) == getattr(other, field.attname)
        assert found[0].created_at is not None

    def test_a_copied_row_that_contradicts_itself_stops_all(self, store, make_dataset):
        rows = [make_dataset(save=False), make_dataset(save=False, errors=np.ones(2))]
        with pytest.raises(ValidationError, match="must agree"):
            DataSet.objects.copy_create(rows, store)
        assert not DataSet.objects.exists()

    @SOME_EXAMPLES
    @given(start=st.integers(0, 9), length=st.integers(0, 9), wide=st.booleans())
    def test_a_part_of_a_row_is_what_python_slices_out(
        self, store, sky, make_dataset, start, length, wide
    ):
        values = np.array([1.5, np.nan, -0.0, 8.0], np.float64 if wide else np.float32)
        (row,) = DataSet.objects.copy_create([make_dataset(values, save=False)], store)
        found = DataSet.objects.with_part("values", start, start + length).get(pk=row.pk)
        part = values[start : start + length]
        assert (found.values_part.dtype, found.values_part.tobytes()) == (
            part.dtype,
            part.tobytes(),
        )
        assert found.get_deferred_fields() == {"values", "errors"}

    def test_a_changed_array_is_saved(self, store, make_dataset):
        (row,) = DataSet.objects.copy_create([make_dataset(save=False)], store)
        row = DataSet.objects.with_arrays().get()
        row.values[1] = 99.0
        row.save()
        assert DataSet.objects.get().values.tolist() == [1.0, 99.0, 4.0, 8.0]

    def test_a_kind_is_copied_with_its_values(self, store, sky):
        TESSObservation.objects.copy_create(
            [
                TESSObservation(instrument=sky.instrument, cadence_reference=[4, 5], sector=n)
                for n in (7, 8)
            ],
            store,
        )
        found = Observation.objects.with_arrays().order_by("pk").last()
        assert (type(found), found.sector, found.cadence_reference.tolist()) == (
            TESSObservation,
            8,
            [4, 5],
        )

    def test_copied_times_reach_their_datasets(self, store, sky, make_dataset):
        make_dataset()
        times = TargetSpecificTime(
            target=sky.target, observation=sky.observation, barycentric_julian_dates=[1, 2, 3, 4]
        )
        TargetSpecificTime.objects.copy_create([times], store)
        assert DataSet.objects.get().t_last == 4.0


def pages_read(array):
    """Count the pages of 8 kB that PostgreSQL touches to compute with an array of the one row."""
    digest = Func(array, function="md5", output_field=TextField())
    rows = DataSet.objects.order_by().annotate(digest=digest).values("digest")
    (found,) = json.loads(rows.explain(analyze=True, buffers=True, format="json"))
    return found["Plan"]["Shared Hit Blocks"] + found["Plan"]["Shared Read Blocks"]


def test_a_part_reads_only_the_pieces_it_needs(sky, make_dataset):
    cadences = np.arange(100_000)
    observation = Observation.objects.create(instrument=sky.instrument, cadence_reference=cadences)
    make_dataset(np.random.default_rng(1).normal(size=100_000), observation=observation)
    # 800 kB are 98 pages; 800 bytes lie in one or two. The index is asked for every piece.
    assert pages_read(F("values")) >= 98
    assert pages_read(ArraySlice("values", 50_000, 50_100)) < 25


@pytest.mark.django_db
def test_only_a_column_has_parts():
    with pytest.raises(ValueError, match="counted from the beginning"):
        DataSet.objects.with_part("values", 5, 2)


class TestMoving:
    @pytest.fixture
    def rows(self, sky, make_dataset):
        self.sky = sky
        self.made = [make_dataset(np.array([n, np.nan, -0.0, 1e-310])) for n in range(3)]
        where = {"target": sky.target, "observation": sky.observation}
        TargetSpecificTime.objects.create(barycentric_julian_dates=[1.0, 2.0, 3.0, 4.0], **where)
        TESSQualityFlags.objects.create(quality_flags=[0, 64, 2, 0], **where)

    def contents(self):
        rows = DataSet.objects.with_arrays().order_by("pk")
        arrays = [array for row in rows for array in (row.values, row.errors)]
        arrays.append(TargetSpecificTime.objects.get().barycentric_julian_dates)
        arrays.append(TESSQualityFlags.objects.get().quality_flags)
        return [(array.dtype, array.tobytes()) for array in arrays]

    def test_there_and_back_changes_no_bit_and_leaves_no_file(self, rows, product_files):
        before = self.contents()
        there = move("shards")
        assert (there["observations"], there["arrays"], there["already_there"]) == (1, 8, 0)
        assert there["bytes"] == 7 * 32 + 32
        assert self.contents() == before
        assert files(product_files)
        assert move("shards")["already_there"] == 8
        assert move("packed")["arrays"] == 8
        assert self.contents() == before
        assert not files(product_files)
        assert move("database")["arrays"] == 8
        assert self.contents() == before

    def test_the_command_says_what_it_did(self, rows):
        said = move("packed", text=True, observation=[self.sky.observation.pk])
        assert said.startswith("1 observations: 8 arrays (0.0 MB) moved to packed and compared")

    def test_an_unknown_observation_is_an_error(self, rows):
        with pytest.raises(CommandError, match="there is no observation 987654"):
            move("shards", observation=[987654])

    def test_statistics_and_dates_of_a_row_stay(self, rows):
        before = DataSet.objects.order_by("pk").values()
        kept = [{**row, "values": None, "errors": None} for row in before]
        move("shards")
        after = DataSet.objects.order_by("pk").values()
        assert [{**row, "values": None, "errors": None} for row in after] == kept

    def test_damage_stops_the_move_and_leaves_every_row_where_it_was(self, rows):
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE lightcurves_dataset SET errors = set_byte(errors, 30, 99) WHERE id = %s",
                [self.made[-1].pk],
            )
        with pytest.raises(CommandError, match="payload has CRC"):
            move("shards")
        held = DataSet.objects.order_by("pk").extra(select={"head": "substring(values, 1, 4)"})
        assert {bytes(row.head) for row in held} == {b"AsA1"}

    def test_a_shard_that_other_rows_name_is_kept(self, rows, sky, product_files):
        other = TESSObservation.objects.create(
            instrument=sky.instrument, cadence_reference=[1, 2, 3, 5], sector=9
        )
        for row in self.made:
            DataSet.objects.create(
                target=sky.target, observation=other, values=row.values, errors=row.errors
            )
        move("shards")
        shared = len(files(product_files))
        assert move("database", observation=[other.pk])["shards_deleted"] == 0
        assert len(files(product_files)) == shared
        assert DataSet.objects.with_arrays().filter(observation=sky.observation).count() == 3

    @pytest.mark.parametrize(
        ("change", "error", "words"),
        [
            (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"x"), CorruptFile, "CRC"),
            (lambda path: path.unlink(), MissingFile, "is gone"),
        ],
    )
    def test_a_damaged_shard_names_the_column(self, rows, product_files, change, error, words):
        move("shards")
        for path in files(product_files):
            change(path)
        shards.forget()
        with pytest.raises(error, match=rf"lightcurves_targetspecifictime\..*{words}"):
            TargetSpecificTime.objects.with_arrays().get()


@pytest.mark.parametrize(
    "damage",
    [
        "set_byte(values, 4, 9)",  # a dtype that is none
        "set_byte(values, 17, 9)",  # another length
        "substring(values from 1 for 12)",
        "substring(values from 1 for 40)",
    ],
)
def test_a_part_of_a_damaged_array_is_an_error(make_dataset, damage):
    make_dataset()
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE lightcurves_dataset SET values = {damage}")  # noqa: S608
    with pytest.raises(CorruptFile):
        DataSet.objects.with_part("values", 1, 4).get()


@pytest.mark.django_db
def test_shards_that_no_row_names_are_found_and_deleted_and_nothing_else(
    sky, make_dataset, product_files
):
    named = make_dataset([1.0, 2.0, 3.0, 4.0], save=False)
    DataSet.objects.copy_create([named], STORES["shards"])
    lost = make_dataset([5.0, 6.0, 7.0, 8.0], save=False)
    DataSet.objects.copy_create([lost], STORES["shards"])
    lost.delete()
    core_store.put(b"a product of another kind")
    before = set(files(product_files))
    listed = tidy()
    assert (listed["deleted"], len(listed["shards"])) == (False, 1)
    assert listed["shards"][0]["bytes"] > 64
    assert set(files(product_files)) == before
    assert tidy(delete=True)["shards"] == listed["shards"]
    assert len(files(product_files)) == len(before) - 1
    assert tidy()["shards"] == []
    shards.forget()
    assert DataSet.objects.get().values.tolist() == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.django_db
def test_where_nothing_was_stored_yet_there_is_nothing_to_tidy(product_files):
    assert tidy()["shards"] == []


def tidy(**options):
    out = StringIO()
    call_command("tidy_shards", json=True, stdout=out, **options)
    return json.loads(out.getvalue())


@pytest.mark.django_db
def test_new_curves_go_to_shards_once_there_are_many(make_dataset, settings):
    settings.LIGHTCURVES_IN_DATABASE = 100_000
    assert store_for_new() == "database"
    make_dataset([1.0, 2.0, 3.0, 4.0])
    settings.LIGHTCURVES_IN_DATABASE = 1
    assert store_for_new() == "shards"
