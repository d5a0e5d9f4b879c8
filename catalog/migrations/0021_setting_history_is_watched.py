"""The audit log sees the reasons that people give for changes of settings."""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("catalog.migrations.0007_audit_by_trigger")
TABLE = "catalog_settingchange"


class Migration(migrations.Migration):

    dependencies = [("catalog", "0020_settings_have_a_history")]

    operations = [
        migrations.RunSQL(
            BEFORE.ATTACH.format(
                table=TABLE, label="catalog.SettingChange", masked="", ignored=BEFORE.ROW_TIMES
            ),
            BEFORE.DETACH.format(table=TABLE),
        )
    ]
