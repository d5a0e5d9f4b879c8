"""The audit log sees keys made and revoked, but neither what they are nor when they are used."""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("catalog.migrations.0007_audit_by_trigger")
AUDITED = (
    ("catalog_apikey", "catalog.ApiKey", "digest", BEFORE.ROW_TIMES + ",last_used_at"),
    ("catalog_serviceaccount", "catalog.ServiceAccount", "", BEFORE.ROW_TIMES),
    ("catalog_externalidentity", "catalog.ExternalIdentity", "", BEFORE.ROW_TIMES),
)


def _watch(table, label, masked, ignored):
    return migrations.RunSQL(
        BEFORE.ATTACH.format(table=table, label=label, masked=masked, ignored=ignored),
        BEFORE.DETACH.format(table=table),
    )


class Migration(migrations.Migration):

    dependencies = [("catalog", "0026_keys_have_scopes")]

    operations = [_watch(*each) for each in AUDITED]
