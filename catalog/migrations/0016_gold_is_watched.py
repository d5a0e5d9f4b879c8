"""The audit log sees the items that curators are measured with, and what they answered."""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("catalog.migrations.0007_audit_by_trigger")
WATCHED = (
    ("curation_golditem", "curation.GoldItem", BEFORE.ROW_TIMES),
    ("curation_goldanswer", "curation.GoldAnswer", "created_at"),
)


def _watch(table: str, label: str, ignored: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        BEFORE.ATTACH.format(table=table, label=label, masked="", ignored=ignored),
        BEFORE.DETACH.format(table=table),
    )


class Migration(migrations.Migration):

    dependencies = [
        ("curation", "0009_gold_and_agreement"),
        ("catalog", "0015_weeks_of_networks_are_watched"),
    ]

    operations = [_watch(*each) for each in WATCHED]
