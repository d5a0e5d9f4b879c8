"""Say of every row when it was made and last changed; rows from before are dated today."""

from django.db import migrations, models
from django.utils import timezone

TABLES = (
    "missioncatalog",
    "target",
    "observation",
    "fitsframe",
    "photometricsource",
    "processingmethod",
    "dataset",
    "datasethierarchy",
    "targetspecifictime",
    "qualityflagarray",
)
DATES = {"created_at": "auto_now_add", "updated_at": "auto_now"}


def date_flags(apps, schema_editor):
    """Date the flags by the column that already told when they were made."""
    rows = apps.get_model("lightcurves", "QualityFlagArray")._base_manager
    rows.update(created_at=models.F("created_on"))


class Migration(migrations.Migration):
    dependencies = [("lightcurves", "0003_words_for_people")]

    operations = [
        *(
            migrations.AddField(
                table,
                name,
                models.DateTimeField(**{kind: True}, default=timezone.now),
                preserve_default=False,
            )
            for table in TABLES
            for name, kind in DATES.items()
        ),
        migrations.RunPython(date_flags, migrations.RunPython.noop),
    ]
