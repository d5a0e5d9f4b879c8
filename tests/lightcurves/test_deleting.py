"""The admin says how much a deletion takes along, however much that is, and asks."""

import numpy as np
import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import ProtectedError
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from lightcurves.admin.deleting import MOST_LISTED
from lightcurves.deleting import delete_all
from lightcurves.models import (
    DataSet,
    DataSetHierarchy,
    Instrument,
    PhotometricSource,
    ProcessingMethod,
)

MANY = MOST_LISTED + 50


@pytest.fixture
def method(sky, make_dataset):
    """Give a method of many datasets, each derived from another."""
    method = ProcessingMethod.objects.create(name="detrended")
    raw = make_dataset()
    rows = [make_dataset(processing_method=method, save=False) for _ in range(MANY)]
    DataSet.objects.copy_create(rows)
    DataSetHierarchy.objects.bulk_create(
        [DataSetHierarchy(source_dataset=raw, child_dataset=row) for row in rows]
    )
    return method


@pytest.fixture
def operator(client):
    client.force_login(
        get_user_model().objects.create(username="o", is_staff=True, is_superuser=True)
    )
    return client


def page_of(row):
    return reverse(f"admin:lightcurves_{row._meta.model_name}_delete", args=[row.pk])


def test_a_method_of_many_datasets_is_deleted_after_its_count_was_shown(method, operator):
    with CaptureQueriesContext(connection) as captured:
        page = operator.get(page_of(method)).content.decode()
    assert f"Data sets: {MANY}" in page
    assert f"Data set hierarchy: {MANY}" in page
    assert "Are you sure" in page
    # session, user, row and its page; two counts for datasets and one for each way of lineage
    assert len(captured) <= 12
    assert DataSet.objects.count() == MANY + 1
    assert operator.post(page_of(method), {"post": "yes"}).status_code == 302
    assert not ProcessingMethod.objects.exists()
    assert DataSet.objects.count() == 1
    assert not DataSetHierarchy.objects.exists()


def test_the_action_on_a_list_counts_too(method, operator):
    page = operator.post(
        reverse("admin:lightcurves_processingmethod_changelist"),
        {"action": "delete_selected", "_selected_action": [method.pk]},
    ).content.decode()
    assert f"Data sets: {MANY}" in page
    assert ProcessingMethod.objects.exists()


def test_few_rows_are_listed_one_by_one(sky, make_dataset, operator):
    source = PhotometricSource.objects.create(name="aperture")
    row = make_dataset(photometric_method=source)
    assert f"DataSet {row.pk}" in operator.get(page_of(source)).content.decode()


def test_who_may_not_delete_datasets_may_not_delete_their_method(method, client):
    user = get_user_model().objects.create(username="u", is_staff=True)
    rights = Permission.objects.filter(content_type__app_label="lightcurves")
    user.user_permissions.set(rights.filter(codename__endswith="_processingmethod"))
    client.force_login(user)
    page = client.get(page_of(method)).content.decode()
    assert "your account doesn" in page
    assert client.post(page_of(method), {"post": "yes"}).status_code == 403
    assert DataSet.objects.count() == MANY + 1


def test_what_holds_an_instrument_is_counted(sky, operator):
    Instrument.objects.bulk_create(
        Instrument(name=str(n), parent=sky.instrument) for n in range(MANY)
    )
    page = operator.get(page_of(sky.instrument)).content.decode()
    assert "would require deleting the following protected" in page
    assert "Observations: 1" in page


def test_arrays_are_not_read_to_delete_rows(method, operator):
    with CaptureQueriesContext(connection) as captured:
        operator.post(page_of(method), {"post": "yes"})
    assert not [query["sql"] for query in captured if '"values"' in query["sql"]]
    deletions = [query["sql"] for query in captured if query["sql"].startswith("DELETE")]
    # their lineage, the datasets, the method
    assert len(deletions) == 3
    assert np.isfinite(DataSet.objects.get().median)


def test_what_is_held_is_not_deleted_in_part(sky, make_dataset):
    make_dataset()
    whole = Instrument.objects.create(name="whole")
    sky.instrument.parent = whole
    sky.instrument.save()
    with pytest.raises(ProtectedError, match="1 rows hold 1"):
        delete_all(Instrument.objects.filter(pk=whole.pk), Instrument)
    assert Instrument.objects.count() == 2
