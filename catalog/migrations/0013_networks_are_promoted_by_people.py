"""The audit log sees comparisons of networks and who puts which in force.

Of the embedding of a detection it sees that it changed, not what it holds.
"""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("catalog.migrations.0007_audit_by_trigger")
WATCHED = (
    ("detection_comparison", "detection.Comparison"),
    ("detection_modelchange", "detection.ModelChange"),
)
DETECTIONS = "detection_detection"


def _watch(table: str, label: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        BEFORE.ATTACH.format(table=table, label=label, masked="", ignored=BEFORE.ROW_TIMES),
        BEFORE.DETACH.format(table=table),
    )


def _attached(masked: str) -> str:
    return BEFORE.ATTACH.format(
        table=DETECTIONS,
        label="detection.Detection",
        masked=masked,
        ignored=BEFORE.ROW_TIMES + ",hpx",
    )


class Migration(migrations.Migration):

    dependencies = [
        ("catalog", "0012_masters_are_built_by_jobs"),
        ("detection", "0007_networks_are_promoted"),
    ]

    operations = [
        *(_watch(*each) for each in WATCHED),
        migrations.RunSQL(
            BEFORE.DETACH.format(table=DETECTIONS), _attached(masked="")
        ),
        migrations.RunSQL(
            _attached(masked="embedding"), BEFORE.DETACH.format(table=DETECTIONS)
        ),
    ]
