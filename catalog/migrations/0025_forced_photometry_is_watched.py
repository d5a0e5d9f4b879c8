"""The audit log sees what is done to runs of forced photometry by hand."""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("catalog.migrations.0007_audit_by_trigger")
TABLE = "detection_forcedphotometryrun"


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0024_photometry_has_jobs"),
        ("detection", "0014_forced_photometry"),
    ]

    operations = [
        migrations.RunSQL(
            BEFORE.ATTACH.format(
                table=TABLE,
                label="detection.ForcedPhotometryRun",
                masked="",
                ignored=BEFORE.ROW_TIMES,
            ),
            BEFORE.DETACH.format(table=TABLE),
        ),
    ]
