"""A run has one job."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0005_jobs_are_announced"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="processingjob",
            constraint=models.UniqueConstraint(fields=("run_id",), name="job_once_per_run"),
        ),
    ]
