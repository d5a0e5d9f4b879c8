"""The audit log sees queries kept, changed and deleted."""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("catalog.migrations.0007_audit_by_trigger")
TABLE = "catalog_savedquery"


class Migration(migrations.Migration):
    dependencies = [("catalog", "0037_queries_are_kept")]

    operations = [
        migrations.RunSQL(
            BEFORE.ATTACH.format(
                table=TABLE, label="catalog.SavedQuery", masked="", ignored=BEFORE.ROW_TIMES
            ),
            BEFORE.DETACH.format(table=TABLE),
        ),
    ]
