"""Triggers tally what is done, and what was done before is counted once."""

from django.db import migrations

from catalog.analytics import sums
from catalog.analytics.contributions import SOURCES
from catalog.analytics.triggers import functions, removal, triggers


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0035_days_are_tallied"),
        ("curation", "0014_injections_are_counted"),
    ]

    operations = [
        *(migrations.RunSQL(functions(name) + triggers(name), removal(name)) for name in SOURCES),
        migrations.RunSQL(sums.COUNT, migrations.RunSQL.noop),
    ]
