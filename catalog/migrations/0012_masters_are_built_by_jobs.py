"""Masters are built by jobs, and the audit log sees their runs and their raw frames."""

from importlib import import_module

from django.db import migrations, models

BEFORE = import_module("catalog.migrations.0007_audit_by_trigger")
WATCHED = (
    ("observations_calibrationexposure", "observations.CalibrationExposure", BEFORE.ROW_TIMES),
    ("preprocessing_calibrationrun", "preprocessing.CalibrationRun", BEFORE.ROW_TIMES),
    ("preprocessing_calibrationrun_exposures", "preprocessing.CalibrationRun_exposures", ""),
)


def _watch(table: str, label: str, ignored: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        BEFORE.ATTACH.format(table=table, label=label, masked="", ignored=ignored),
        BEFORE.DETACH.format(table=table),
    )


class Migration(migrations.Migration):

    dependencies = [
        ('observations', '0007_raw_frames_of_the_camera'),
        ('preprocessing', '0004_masters_are_built_by_runs'),
        ('catalog', '0011_references_are_built_by_jobs'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='processingjob',
            name='job_type',
        ),
        migrations.AlterField(
            model_name='processingjob',
            name='job_type',
            field=models.CharField(choices=[('ingest', 'Ingest'), ('calibrate', 'Calibrate'), ('preprocess', 'Preprocess'), ('reference', 'Reference'), ('difference', 'Difference'), ('inference', 'Inference'), ('validate', 'Validate'), ('notify', 'Notify'), ('export', 'Export'), ('train', 'Train')], max_length=50),
        ),
        migrations.AddConstraint(
            model_name='processingjob',
            constraint=models.CheckConstraint(condition=models.Q(('job_type__in', ['ingest', 'calibrate', 'preprocess', 'reference', 'difference', 'inference', 'validate', 'notify', 'export', 'train'])), name='job_type'),
        ),
        *(_watch(*each) for each in WATCHED),
    ]
