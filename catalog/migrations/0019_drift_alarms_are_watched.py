"""The audit log sees who acknowledged the drift of a network."""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("catalog.migrations.0007_audit_by_trigger")
TABLE = "detection_driftalarm"


class Migration(migrations.Migration):

    dependencies = [
        ("catalog", "0018_shapes_on_the_sky"),
        ("detection", "0012_drift_alarms"),
    ]

    operations = [
        migrations.RunSQL(
            BEFORE.ATTACH.format(
                table=TABLE, label="detection.DriftAlarm", masked="", ignored=BEFORE.ROW_TIMES
            ),
            BEFORE.DETACH.format(table=TABLE),
        ),
    ]
