"""Jobs, exports and cross-matches say how far they are, in their rows and to whoever listens."""

import django.db.models.expressions
import django.db.models.functions.comparison
from django.db import migrations, models

TELL = """
CREATE TRIGGER astrid_tell_new AFTER INSERT ON {table}
    FOR EACH ROW EXECUTE FUNCTION astrid_tell({arguments});
CREATE TRIGGER astrid_tell_moved AFTER UPDATE OF status ON {table}
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION astrid_tell({arguments});
"""
# How far it is, between its moves.
TELL_ON = """
CREATE TRIGGER astrid_tell_on AFTER UPDATE OF {done} ON {table}
    FOR EACH ROW WHEN (
        OLD.status = NEW.status AND OLD.{done} IS DISTINCT FROM NEW.{done} AND NEW.{done} IS NOT NULL
    )
    EXECUTE FUNCTION astrid_tell({arguments});
"""
SILENT = """
DROP TRIGGER IF EXISTS astrid_tell_new ON {table};
DROP TRIGGER IF EXISTS astrid_tell_moved ON {table};
DROP TRIGGER IF EXISTS astrid_tell_on ON {table};
"""
JOB = ("job", "job_type", "status", "entity_type", "entity_id", "retry_count")
EXPORT = ("export", "status", "file_format", "rows")
MATCH = ("crossmatch", "requester_id", "status", "positions", "positions_done", "rows", "progress")
FAR = ("work_done", "work_total", "progress")
TOLD = {
    "catalog_processingjob": (JOB, (*JOB, *FAR), "work_done"),
    "catalog_exportjob": (EXPORT, (*EXPORT, *FAR), "work_done"),
    "catalog_crossmatchjob": ((), MATCH, "positions_done"),
}


def quoted(arguments):
    return ", ".join(f"'{one}'" for one in arguments)


def new_triggers(table):
    _, told, done = TOLD[table]
    values = {"table": table, "arguments": quoted(told), "done": done}
    return (SILENT + TELL + TELL_ON).format(**values)


def old_triggers(table):
    told, *_ = TOLD[table]
    again = TELL.format(table=table, arguments=quoted(told)) if told else ""
    return SILENT.format(table=table) + again


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0042_entries_are_published'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='event',
            name='event_kind',
        ),
        migrations.AddField(
            model_name='crossmatchjob',
            name='progress',
            field=models.GeneratedField(db_persist=True, expression=models.Case(models.When(status='completed', then=models.Value(1.0)), models.When(positions__gt=0, then=django.db.models.functions.comparison.Least(django.db.models.expressions.CombinedExpression(django.db.models.functions.comparison.Cast(models.F('positions_done'), models.FloatField()), '/', django.db.models.functions.comparison.Cast(models.F('positions'), models.FloatField())), models.Value(1.0))), default=None, output_field=models.FloatField()), output_field=models.FloatField(help_text='How far it has come, from 0 to 1; null where that is not known.', null=True)),
        ),
        migrations.AddField(
            model_name='exportjob',
            name='work_done',
            field=models.PositiveBigIntegerField(blank=True, editable=False, help_text='Rows, frames or tiles done so far.', null=True),
        ),
        migrations.AddField(
            model_name='exportjob',
            name='work_total',
            field=models.PositiveBigIntegerField(blank=True, editable=False, help_text='Of how many; null where not known.', null=True),
        ),
        migrations.AddField(
            model_name='processingjob',
            name='work_done',
            field=models.PositiveBigIntegerField(blank=True, editable=False, help_text='Rows, frames or tiles done so far.', null=True),
        ),
        migrations.AddField(
            model_name='processingjob',
            name='work_total',
            field=models.PositiveBigIntegerField(blank=True, editable=False, help_text='Of how many; null where not known.', null=True),
        ),
        migrations.AddField(
            model_name='exportjob',
            name='progress',
            field=models.GeneratedField(db_persist=True, expression=models.Case(models.When(status='completed', then=models.Value(1.0)), models.When(then=django.db.models.functions.comparison.Least(django.db.models.expressions.CombinedExpression(django.db.models.functions.comparison.Cast(models.F('work_done'), models.FloatField()), '/', django.db.models.functions.comparison.Cast(models.F('work_total'), models.FloatField())), models.Value(1.0)), work_total__gt=0), default=None, output_field=models.FloatField()), output_field=models.FloatField(help_text='How far it has come, from 0 to 1; null where that is not known.', null=True)),
        ),
        migrations.AddField(
            model_name='processingjob',
            name='progress',
            field=models.GeneratedField(db_persist=True, expression=models.Case(models.When(status='completed', then=models.Value(1.0)), models.When(then=django.db.models.functions.comparison.Least(django.db.models.expressions.CombinedExpression(django.db.models.functions.comparison.Cast(models.F('work_done'), models.FloatField()), '/', django.db.models.functions.comparison.Cast(models.F('work_total'), models.FloatField())), models.Value(1.0)), work_total__gt=0), default=None, output_field=models.FloatField()), output_field=models.FloatField(help_text='How far it has come, from 0 to 1; null where that is not known.', null=True)),
        ),
        migrations.AlterField(
            model_name='event',
            name='kind',
            field=models.CharField(choices=[('detection', 'something new was found'), ('judged', 'verdicts moved a detection'), ('job', 'a job began, went on or ended'), ('export', 'a file of rows began, went on or ended'), ('crossmatch', 'a table that one sent began to be matched, went on or ended'), ('alert', 'an alert was raised')], max_length=20),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['detection', 'judged', 'job', 'export', 'crossmatch', 'alert'])), name='event_kind'),
        ),
        *(migrations.RunSQL(new_triggers(table), old_triggers(table)) for table in TOLD),
    ]
