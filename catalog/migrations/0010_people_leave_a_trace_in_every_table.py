"""Whatever a person can change is in the audit log, whoever's table it is."""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("catalog.migrations.0007_audit_by_trigger")

# A row whose key is neither an integer nor a UUID is known by the UUID version 3 (RFC 9562) that
# the MD5 of its key makes.
ENTITY_ID = """
CREATE OR REPLACE FUNCTION astrid_entity_id(key text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN key ~ '^[0-9]{1,15}$'
            THEN ('00000000-0000-8000-8000-' || lpad(to_hex(key::bigint), 12, '0'))::uuid
        WHEN key ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN key::uuid
        ELSE (
            substr(md5(key), 1, 12) || '3' || substr(md5(key), 14, 3)
            || to_hex(('x' || substr(md5(key), 17, 1))::bit(4)::int & 3 | 8)
            || substr(md5(key), 18)
        )::uuid
    END
$$;
"""

# The fourth argument names the key of a table whose key is not called id.
AUDIT = BEFORE.AUDIT.replace("->>'id'", "->>coalesce(TG_ARGV[3], 'id')")


def _replacing(sql: str) -> str:
    return sql.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


# The leases of review tasks come and go by the minute and a verdict is an event of its own: only
# the rest of a task is told. Arrays are masked: that they changed is seen, not what they hold.
ROW_TIMES = BEFORE.ROW_TIMES
AUDITED = (
    ("observations_observationrun", "observations.ObservationRun", "", ROW_TIMES),
    ("preprocessing_preprocessrun", "preprocessing.PreprocessRun", "", ROW_TIMES),
    ("differencing_differencerun", "differencing.DifferenceRun", "", ROW_TIMES),
    (
        "differencing_referenceimage_observations",
        "differencing.ReferenceImage_observations",
        "",
        "",
    ),
    ("detection_modelrun", "detection.ModelRun", "", ROW_TIMES),
    ("detection_trainingdataset", "detection.TrainingDataset", "", ROW_TIMES),
    ("detection_trainingrun", "detection.TrainingRun", "", ROW_TIMES),
    (
        "curation_reviewtask",
        "curation.ReviewTask",
        "",
        ROW_TIMES + ",lease_holder_id,lease_end,done_at",
    ),
    ("lightcurves_mission", "lightcurves.Mission", "", ROW_TIMES),
    ("lightcurves_missioncatalog", "lightcurves.MissionCatalog", "", ROW_TIMES),
    ("lightcurves_target", "lightcurves.Target", "", ROW_TIMES),
    ("lightcurves_instrument", "lightcurves.Instrument", "", ROW_TIMES),
    ("lightcurves_observation", "lightcurves.Observation", "cadence_reference", ROW_TIMES),
    ("lightcurves_fitsframe", "lightcurves.FITSFrame", "", ROW_TIMES),
    ("lightcurves_photometricsource", "lightcurves.PhotometricSource", "", ROW_TIMES),
    ("lightcurves_processingmethod", "lightcurves.ProcessingMethod", "", ROW_TIMES),
    ("lightcurves_dataset", "lightcurves.DataSet", "values,errors", ROW_TIMES),
    ("lightcurves_datasethierarchy", "lightcurves.DataSetHierarchy", "", ROW_TIMES),
    ("lightcurves_qualityflagarray", "lightcurves.QualityFlagArray", "quality_flags", ROW_TIMES),
    (
        "lightcurves_targetspecifictime",
        "lightcurves.TargetSpecificTime",
        "barycentric_julian_dates",
        ROW_TIMES,
    ),
    ("django_celery_beat_intervalschedule", "django_celery_beat.IntervalSchedule", "", ""),
    ("django_celery_beat_clockedschedule", "django_celery_beat.ClockedSchedule", "", ""),
    ("django_celery_beat_solarschedule", "django_celery_beat.SolarSchedule", "", ""),
)

ATTACH_KEYED = BEFORE.ATTACH.replace("'{ignored}'", "'{ignored}', '{key}'")
# These rows are a log themselves: what a person can do to them is change or delete them.
ATTACH_TO_LOG = BEFORE.ATTACH.replace("INSERT OR ", "")
LOGS = (
    ("axes_accessattempt", "axes.AccessAttempt", "get_data,post_data", ""),
    ("axes_accessfailurelog", "axes.AccessFailureLog", "", ""),
    ("axes_accesslog", "axes.AccessLog", "session_hash", "logout_time"),
)


def _watch(
    table: str, label: str, masked: str, ignored: str, attach: str = BEFORE.ATTACH, key: str = "id"
) -> migrations.RunSQL:
    return migrations.RunSQL(
        attach.format(table=table, label=label, masked=masked, ignored=ignored, key=key),
        BEFORE.DETACH.format(table=table),
    )


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0009_words_for_people"),
        ("observations", "0003_schedules_to_choose_from"),
        ("preprocessing", "0001_initial"),
        ("differencing", "0003_misfit_of_the_psf"),
        ("detection", "0003_initial"),
        ("curation", "0004_verdicts_are_never_changed"),
        ("lightcurves", "0004_every_table_says_when"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
        ("knox", "0009_extend_authtoken_field"),
        ("axes", "0010_accessattemptexpiration"),
    ]

    operations = [
        migrations.RunSQL(ENTITY_ID, _replacing(BEFORE.ENTITY_ID)),
        migrations.RunSQL(_replacing(AUDIT), _replacing(BEFORE.AUDIT)),
        *(_watch(*each) for each in AUDITED),
        *(_watch(*each, attach=ATTACH_TO_LOG) for each in LOGS),
        _watch(
            "knox_authtoken", "knox.AuthToken", "digest,token_key", "", ATTACH_KEYED, key="digest"
        ),
    ]
