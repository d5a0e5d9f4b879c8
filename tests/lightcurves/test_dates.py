from datetime import UTC, datetime

import pytest

from lightcurves.models import DataSet, DataSetHierarchy, TargetSpecificTime

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


@pytest.fixture
def old(make_dataset):
    """A dataset last changed long ago."""
    row = make_dataset()
    DataSet.objects.filter(pk=row.pk).update(updated_at=LONG_AGO)
    row.refresh_from_db()
    assert row.updated_at == LONG_AGO
    return row


def test_arrays_made_in_bulk_are_dated(make_dataset):
    before = datetime.now(UTC)
    DataSet.objects.bulk_create([make_dataset(save=False), make_dataset(save=False)])
    for row in DataSet.objects.all():
        assert before <= row.created_at <= row.updated_at <= datetime.now(UTC)


def test_a_source_that_is_added_is_dated(make_dataset):
    before = datetime.now(UTC)
    make_dataset().source_datasets.add(make_dataset())
    assert DataSetHierarchy.objects.get().created_at >= before


def save_some_fields(row):
    row.values = [0.0, 0.0, 0.0, 0.0]
    row.save(update_fields=["values"])


def update_in_bulk(row):
    DataSet.objects.bulk_update([row], ["values"])


def update_by_query(row):
    DataSet.objects.filter(pk=row.pk).update(photometric_method=None)


def store_its_times(row):
    TargetSpecificTime.objects.create(
        target=row.target,
        observation=row.observation,
        barycentric_julian_dates=[1.0, 2.0, 3.0, 4.0],
    )


@pytest.mark.parametrize(
    "change", [save_some_fields, update_in_bulk, update_by_query, store_its_times]
)
def test_every_way_to_change_a_dataset_dates_the_change(old, change):
    made, before = old.created_at, datetime.now(UTC)
    change(old)
    old.refresh_from_db()
    assert old.created_at == made
    assert old.updated_at >= before


def test_saving_no_field_changes_nothing(old):
    old.save(update_fields=[])
    old.refresh_from_db()
    assert old.updated_at == LONG_AGO
