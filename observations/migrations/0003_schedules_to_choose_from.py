"""Give operators schedules to choose from; more can be added beside the field."""

from django.db import migrations

# minute, hour; UTC, every day
SCHEDULES = (("*/10", "*"), ("0", "*"), ("0", "*/6"), ("0", "12"))


def add(apps, schema_editor):
    crontab = apps.get_model("django_celery_beat", "CrontabSchedule")
    for minute, hour in SCHEDULES:
        crontab.objects.get_or_create(
            minute=minute,
            hour=hour,
            day_of_week="*",
            day_of_month="*",
            month_of_year="*",
            timezone="UTC",
        )


class Migration(migrations.Migration):
    dependencies = [
        ("observations", "0002_searched_or_only_reference"),
        ("django_celery_beat", "0018_improve_crontab_helptext"),
    ]

    # Going back leaves them: a survey may use one by then.
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
