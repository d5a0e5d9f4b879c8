"""Arrays in rows: deferred, measured, and refused where they contradict each other."""

import numpy as np
import pytest
from django.core import serializers
from django.core.exceptions import ValidationError
from django.db import connection

from astrid.core.errors import CorruptFile
from lightcurves.models import DataSet, Observation, QualityFlagArray, TargetSpecificTime

ARRAY_COLUMNS = {
    ("lightcurves_dataset", "errors"),
    ("lightcurves_dataset", "values"),
    ("lightcurves_observation", "cadence_reference"),
    ("lightcurves_qualityflagarray", "quality_flags"),
    ("lightcurves_targetspecifictime", "barycentric_julian_dates"),
}


@pytest.mark.django_db
def test_every_array_column_is_stored_external():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
            " WHERE c.relname LIKE 'lightcurves%%' AND c.relkind = 'r' AND a.attstorage = 'e'"
        )
        assert set(cursor.fetchall()) == ARRAY_COLUMNS


def test_arrays_come_back_from_the_database_bit_for_bit(make_dataset):
    values = np.array([np.nan, -0.0, np.inf, 1e-310], np.float32)
    made = make_dataset(values)
    found = DataSet.objects.with_arrays().get(pk=made.pk)
    assert found.values.dtype == np.float32
    assert found.values.tobytes() == values.tobytes()


def test_arrays_stay_in_the_database_until_asked_for(make_dataset, django_assert_num_queries):
    make_dataset()
    row = DataSet.objects.get()
    assert row.get_deferred_fields() == {"values", "errors"}
    with django_assert_num_queries(1):
        assert row.values[3] == 8.0
    assert DataSet.objects.only("values").get().get_deferred_fields() >= {"errors"}
    assert "values" in DataSet.objects.only("values").get().__dict__


def test_statistics_are_filled_in_and_pass_over_nan(make_dataset):
    row = make_dataset([4.0, np.nan, 1.0, 2.0])
    row.refresh_from_db()
    assert (row.n, row.minimum, row.maximum, row.median) == (4, 1.0, 4.0, 2.0)


def test_an_array_without_a_finite_number_has_no_extremes(make_dataset):
    row = make_dataset([np.nan] * 4)
    assert (row.n, row.minimum, row.maximum, row.median) == (4, None, None, None)


def test_bulk_create_measures_and_checks_with_three_queries_for_all(
    make_dataset, django_assert_num_queries
):
    rows = [make_dataset([k, 1.0, 2.0, 3.0], save=False) for k in range(20)]
    with django_assert_num_queries(3):
        DataSet.objects.bulk_create(rows)
    found = DataSet.objects.order_by("id").values_list("maximum", flat=True)
    assert list(found) == [max(k, 3.0) for k in range(20)]


def test_a_changed_array_changes_its_statistics_however_it_is_written(make_dataset):
    row = make_dataset()
    row.values = np.array([1.0, 1.0, 1.0, 9.0])
    row.save(update_fields=["values"])
    assert DataSet.objects.get().maximum == 9.0
    row.values = np.array([1.0, 1.0, 1.0, 7.0])
    DataSet.objects.bulk_update([row], ["values"])
    assert DataSet.objects.get().maximum == 7.0
    with pytest.raises(ValidationError, match="values cannot be set by update"):
        DataSet.objects.update(values=row.values)


def test_saving_a_row_does_not_fetch_or_rewrite_its_deferred_arrays(make_dataset):
    make_dataset()
    row = DataSet.objects.get()
    row.save()
    assert row.get_deferred_fields() == {"values", "errors"}
    assert DataSet.objects.get().maximum == 8.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"errors": np.ones(3)}, "values has 4 numbers, errors 3; they must agree"),
        ({"values": np.ones(5), "errors": np.ones(5)}, r"DataSet has 5 values; .* has 4 cadences"),
        ({"values": np.ones((2, 2))}, r"values: array has 2 axes"),
        ({"values": np.ones(4, complex)}, "values: dtype is complex128"),
        ({"values": None, "errors": np.ones(4)}, "values is missing"),
    ],
)
def test_a_dataset_that_contradicts_itself_is_refused(make_dataset, changes, words):
    with pytest.raises(ValidationError, match=words):
        make_dataset(**changes)
    with pytest.raises(ValidationError, match=words):
        DataSet.objects.bulk_create([make_dataset(save=False, **changes)])
    assert not DataSet.objects.exists()


def test_times_and_flags_of_another_length_than_the_cadences_are_refused(sky):
    with pytest.raises(ValidationError, match="has 3 values"):
        TargetSpecificTime.objects.create(
            target=sky.target, observation=sky.observation, barycentric_julian_dates=[1.0, 2.0, 3.0]
        )
    with pytest.raises(ValidationError, match="has 2 values"):
        QualityFlagArray.objects.create(observation=sky.observation, quality_flags=[0, 1])


@pytest.mark.parametrize(
    ("cadences", "words"),
    [([3, 2], r"\[1\] is 2 after 3"), ([1, 1], r"\[1\] is 1 after 1"), ([1.5], "kept as int64")],
)
def test_cadences_out_of_order_are_refused(sky, cadences, words):
    with pytest.raises(ValidationError, match=words):
        Observation.objects.create(instrument=sky.instrument, cadence_reference=cadences)


def test_cadences_cannot_change_their_number_under_stored_arrays(sky, make_dataset):
    make_dataset()
    sky.observation.cadence_reference = [1, 2, 3, 5, 6]
    with pytest.raises(ValidationError, match="has 5 cadences; a stored DataSet has 4"):
        sky.observation.save()
    sky.observation.cadence_reference = [11, 12, 13, 15]
    sky.observation.save()
    assert Observation.objects.get().cadence_last == 15


class TestSpanOfTime:
    times = (1325.0, np.nan, 1325.5, 1326.0)

    def store(self, sky):
        return TargetSpecificTime.objects.create(
            target=sky.target, observation=sky.observation, barycentric_julian_dates=self.times
        )

    def span(self):
        return DataSet.objects.values_list("t_first", "t_last").get()

    def test_a_dataset_takes_it_from_times_stored_before(self, sky, make_dataset):
        self.store(sky)
        make_dataset()
        assert self.span() == (1325.0, 1326.0)

    def test_times_stored_changed_and_deleted_later_reach_the_dataset(self, sky, make_dataset):
        make_dataset()
        assert self.span() == (None, None)
        row = self.store(sky)
        assert self.span() == (1325.0, 1326.0)
        row.barycentric_julian_dates = np.array([1.0, 2.0, 3.0, 4.0])
        TargetSpecificTime.objects.bulk_update([row], ["barycentric_julian_dates"])
        assert self.span() == (1.0, 4.0)
        TargetSpecificTime.objects.all().delete()
        assert self.span() == (None, None)

    def test_times_that_run_backwards_are_refused(self, sky):
        with pytest.raises(ValidationError, match=r"run backwards at \[2\]"):
            TargetSpecificTime.objects.create(
                target=sky.target,
                observation=sky.observation,
                barycentric_julian_dates=[2.0, np.nan, 1.0, 3.0],
            )


def test_a_damaged_array_names_its_column(make_dataset):
    row = make_dataset()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE lightcurves_dataset SET values = set_byte(values, 30, 99) WHERE id = %s",
            [row.pk],
        )
    with pytest.raises(CorruptFile, match=r"lightcurves_dataset\.values: array payload has CRC"):
        DataSet.objects.with_arrays().get()


def test_arrays_survive_a_fixture(make_dataset):
    row = make_dataset()
    text = serializers.serialize("json", [row])
    (back,) = serializers.deserialize("json", text)
    np.testing.assert_array_equal(back.object.values, row.values)
