"""Say of baselines made before what their frames say: corners, camera, grid and exposure."""

from django.db import migrations
from django.db.models import OuterRef, Subquery, Value
from django.db.models.functions import Coalesce


def describe(apps, schema_editor):
    """Copy the facts of the one frame that each of these baselines is."""
    image = apps.get_model("differencing", "ReferenceImage")
    through = image.observations.through
    run = apps.get_model("preprocessing", "PreprocessRun")
    frame = through.objects.filter(referenceimage=OuterRef("pk")).order_by("pk")
    latest = run.objects.filter(
        observation__reference_images=OuterRef("pk"), status="completed"
    ).order_by("-id")
    older = image.objects.filter(footprint__isnull=True, grid_observation=None)
    older.update(
        footprint=Subquery(frame.values("observation__footprint")[:1]),
        instrument=Coalesce(
            Subquery(frame.values("observation__instrument")[:1]), Value("")
        ),
        exposure_time=Subquery(frame.values("observation__exposure_time")[:1]),
        grid_observation=Subquery(
            latest.annotate(grid=Coalesce("grid_observation", "observation")).values("grid")[:1]
        ),
    )


class Migration(migrations.Migration):
    dependencies = [
        ("differencing", "0006_references_say_how_they_were_made"),
        ("preprocessing", "0001_initial"),
        ("observations", "0005_where_and_with_what"),
    ]

    operations = [migrations.RunPython(describe, migrations.RunPython.noop)]
