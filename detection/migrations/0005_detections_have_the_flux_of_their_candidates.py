"""Give detections made before they had a flux that of their candidate."""

from django.db import migrations
from django.db.models import OuterRef, Subquery

NAMES = ("flux", "flux_error")


def copy(apps, schema_editor):
    Detection = apps.get_model("detection", "Detection")
    Candidate = apps.get_model("differencing", "Candidate")
    mine = Candidate.objects.filter(pk=OuterRef("candidate_id"))
    Detection.objects.filter(candidate__isnull=False).update(
        **{name: Subquery(mine.values(name)[:1]) for name in NAMES}
    )


class Migration(migrations.Migration):
    dependencies = [
        ("detection", "0004_magnitudes"),
        ("differencing", "0009_magnitudes"),
    ]

    operations = [migrations.RunPython(copy, migrations.RunPython.noop)]
