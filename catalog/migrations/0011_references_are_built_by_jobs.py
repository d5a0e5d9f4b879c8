"""References are built by jobs, and the audit log sees their runs."""

from importlib import import_module

from django.db import migrations, models


BEFORE = import_module("catalog.migrations.0007_audit_by_trigger")
TABLE = "differencing_referencerun"


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0010_people_leave_a_trace_in_every_table'),
        ('differencing', '0008_reference_runs'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='processingjob',
            name='job_type',
        ),
        migrations.AlterField(
            model_name='processingjob',
            name='job_type',
            field=models.CharField(choices=[('ingest', 'Ingest'), ('preprocess', 'Preprocess'), ('reference', 'Reference'), ('difference', 'Difference'), ('inference', 'Inference'), ('validate', 'Validate'), ('notify', 'Notify'), ('export', 'Export'), ('train', 'Train')], max_length=50),
        ),
        migrations.AddConstraint(
            model_name='processingjob',
            constraint=models.CheckConstraint(condition=models.Q(('job_type__in', ['ingest', 'preprocess', 'reference', 'difference', 'inference', 'validate', 'notify', 'export', 'train'])), name='job_type'),
        ),
        migrations.RunSQL(
            BEFORE.ATTACH.format(
                table=TABLE, label="differencing.ReferenceRun", masked="", ignored=BEFORE.ROW_TIMES
            ),
            BEFORE.DETACH.format(table=TABLE),
        ),
    ]
