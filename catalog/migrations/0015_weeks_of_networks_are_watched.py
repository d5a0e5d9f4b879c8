"""The audit log sees the weeks of networks."""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("catalog.migrations.0007_audit_by_trigger")
TABLE = "detection_driftweek"


class Migration(migrations.Migration):

    dependencies = [
        ("catalog", "0014_queues_are_watched"),
        ("detection", "0009_weeks_are_watched"),
    ]

    operations = [
        migrations.RunSQL(
            BEFORE.ATTACH.format(
                table=TABLE, label="detection.DriftWeek", masked="", ignored=BEFORE.ROW_TIMES
            ),
            BEFORE.DETACH.format(table=TABLE),
        ),
    ]
