"""An empty list of alert rules is a value."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0007_audit_by_trigger"),
    ]

    operations = [
        migrations.AlterField(
            model_name="systemconfig",
            name="value",
            field=models.JSONField(blank=True),
        ),
    ]
