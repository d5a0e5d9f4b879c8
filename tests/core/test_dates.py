from datetime import UTC, datetime

import pytest
from django.apps import apps

from lightcurves.models import PhotometricSource

APPS = (
    "observations",
    "preprocessing",
    "differencing",
    "detection",
    "curation",
    "catalog",
    "lightcurves",
)
APPEND_ONLY = {"AuditLog", "Event", "GoldAnswer", "ValidationEvent"}  # never changed
# Rows of a catalogue of others are as old as that is here; tallies are gone within minutes.
UNDATED = {"ContextSource", "Tally"}
TABLES = [
    model
    for label in APPS
    for model in apps.get_app_config(label).get_models()
    if model.__name__ not in UNDATED
]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table._meta.label)
def test_every_table_says_when_a_row_was_made_and_last_changed(table):
    dates = {"created_at"} if table.__name__ in APPEND_ONLY else {"created_at", "updated_at"}
    assert dates <= {field.name for field in table._meta.concrete_fields}


@pytest.mark.django_db
def test_rows_made_in_bulk_are_dated():
    before = datetime.now(UTC)
    PhotometricSource.objects.bulk_create(
        [PhotometricSource(name="a"), PhotometricSource(name="b")]
    )
    for row in PhotometricSource.objects.all():
        assert before <= row.created_at <= row.updated_at <= datetime.now(UTC)
