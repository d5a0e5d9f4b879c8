"""Events are read in the order of numbers that they get once they are committed."""

from django.db import migrations, models

# As they were read until now.
NUMBER = """
UPDATE catalog_event SET number = place FROM (
    SELECT id, row_number() OVER (ORDER BY transaction, id) AS place FROM catalog_event
) AS placed WHERE placed.id = catalog_event.id;
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0038_saved_queries_are_watched")]

    operations = [
        migrations.AlterModelOptions("event", options={"ordering": ["number", "id"]}),
        migrations.RemoveIndex("event", name="event_place"),
        migrations.AddField(
            "event", "number", models.BigIntegerField(editable=False, null=True)
        ),
        migrations.RunSQL(NUMBER, migrations.RunSQL.noop),
        migrations.AddIndex(
            "event",
            models.Index(
                condition=models.Q(("number", None)), fields=["id"], name="event_without_number"
            ),
        ),
        migrations.AddConstraint(
            "event",
            models.UniqueConstraint(fields=("number",), name="event_number_once"),
        ),
    ]
