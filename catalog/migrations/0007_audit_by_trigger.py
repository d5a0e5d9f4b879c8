"""The database itself writes who changed what, once a transaction says who is at work."""

from django.db import migrations

# A UUID version 7 (RFC 9562, method 3): milliseconds, then the microseconds in the 12 bits that
# follow, so that the rows of one transaction keep their order; the rest is random.
UUID7 = """
CREATE FUNCTION astrid_uuid7() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT (
        lpad(to_hex(micros / 1000), 12, '0')
        || '7' || lpad(to_hex((micros % 1000) * 4096 / 1000), 3, '0')
        || substr(replace(gen_random_uuid()::text, '-', ''), 17)
    )::uuid
    FROM (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS micros) AS now
$$;
"""

# A row with an integer key is known by a UUID version 8 that ends with that integer.
ENTITY_ID = """
CREATE FUNCTION astrid_entity_id(key text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN key ~ '^[0-9]+$'
        THEN ('00000000-0000-8000-8000-' || lpad(to_hex(key::bigint), 12, '0'))::uuid
        ELSE key::uuid
    END
$$;
"""

# The columns of a row that are shown: these keys, secrets masked; NULL when there are none.
SHOWN = """
CREATE FUNCTION astrid_shown(entry jsonb, keys text[], masked text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_object_agg(
        key, CASE WHEN key = ANY (masked) AND value <> '""' THEN '"***"' ELSE value END
    )
    FROM jsonb_each(entry) WHERE key = ANY (keys)
$$;
"""

# One sentence: the name of what was made or deleted, or each change from old to new; of a JSON
# object, such as a setting, each of its fields that changed.
SUMMARY = """
CREATE FUNCTION astrid_summary(action text, before jsonb, after jsonb) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN action = 'update' THEN (
        SELECT 'changed ' || string_agg(
            format('%s from %s to %s', name, coalesce(left(nullif(old, ''), 60), 'nothing'),
                   coalesce(left(nullif(new, ''), 60), 'nothing')),
            '; ' ORDER BY name
        ) FROM (
            SELECT key AS name, before->>key AS old, after->>key AS new
            FROM jsonb_object_keys(after) AS key
            WHERE (jsonb_typeof(before->key) = 'object' AND jsonb_typeof(after->key) = 'object')
                IS NOT TRUE
            UNION ALL
            SELECT key || '.' || part, before->key->>part, after->key->>part
            FROM jsonb_object_keys(after) AS key, jsonb_object_keys(CASE
                WHEN jsonb_typeof(before->key) = 'object' AND jsonb_typeof(after->key) = 'object'
                THEN (before->key) || (after->key) ELSE '{}' END
            ) AS part
            WHERE before->key->part IS DISTINCT FROM after->key->part
        ) AS changes
    ) ELSE action || 'd' || coalesce(' ' || left(coalesce(
        whole->>'name', whole->>'key', whole->>'username', whole->>'title',
        whole->>'designation', whole->>'observation_id'
    ), 200), '') END
    FROM (SELECT coalesce(after, before) AS whole) AS entry
$$;
"""

# Arguments: the label of the model, columns to mask, columns that tell nothing (commas between).
# Rows go through to_jsonb, so a column that a later migration adds is seen at once.
AUDIT = """
CREATE FUNCTION astrid_audit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    action text := CASE TG_OP WHEN 'INSERT' THEN 'create' ELSE lower(TG_OP) END;
    masked text[] := string_to_array(TG_ARGV[1], ',');
    ignored text[] := string_to_array(TG_ARGV[2], ',');
    before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    keys text[];
BEGIN
    SELECT array_agg(key) INTO keys FROM jsonb_object_keys(coalesce(after, before)) AS key
        WHERE key <> ALL (ignored) AND before->key IS DISTINCT FROM after->key;
    IF keys IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO catalog_auditlog (
        id, created_at, entity_type, entity_id, action, user_id, old_values, new_values,
        change_summary, ip_address, user_agent
    ) SELECT
        astrid_uuid7(), clock_timestamp(), TG_ARGV[0],
        astrid_entity_id(coalesce(after, before)->>'id'), action,
        current_setting('astrid.user'), old_shown, new_shown,
        astrid_summary(action, old_shown, new_shown),
        nullif(current_setting('astrid.ip', true), ''),
        nullif(current_setting('astrid.agent', true), '')
    FROM (SELECT astrid_shown(before, keys, masked) AS old_shown,
                 astrid_shown(after, keys, masked) AS new_shown) AS shown;
    RETURN NULL;
END $$;
"""

UNDO = """
DROP FUNCTION astrid_audit();
DROP FUNCTION astrid_summary(text, jsonb, jsonb);
DROP FUNCTION astrid_shown(jsonb, text[], text[]);
DROP FUNCTION astrid_entity_id(text);
DROP FUNCTION astrid_uuid7();
"""

APPEND_ONLY = """
CREATE FUNCTION catalog_audit_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit entry % is never changed or deleted', OLD.id
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_is_final BEFORE UPDATE OR DELETE ON catalog_auditlog
    FOR EACH ROW EXECUTE FUNCTION catalog_audit_is_final();
"""
NOT_APPEND_ONLY = """
DROP TRIGGER audit_is_final ON catalog_auditlog;
DROP FUNCTION catalog_audit_is_final();
"""

EFFECTIVE = """
CREATE FUNCTION catalog_setting_takes_effect() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.effective_since := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER setting_takes_effect BEFORE UPDATE ON catalog_systemconfig
    FOR EACH ROW
    WHEN (NEW.value IS DISTINCT FROM OLD.value OR NEW.is_active IS DISTINCT FROM OLD.is_active)
    EXECUTE FUNCTION catalog_setting_takes_effect();
"""
NOT_EFFECTIVE = """
DROP TRIGGER setting_takes_effect ON catalog_systemconfig;
DROP FUNCTION catalog_setting_takes_effect();
"""

# Table, label, masked columns, ignored columns: what people or operators change. Left out are
# tables that only the pipeline writes, and review tasks (their leases come and go by the minute,
# and the verdict itself is a validation event).
ROW_TIMES = "created_at,updated_at"
AUDITED = (
    ("observations_survey", "observations.Survey", "", ROW_TIMES),
    ("observations_observation", "observations.Observation", "", ROW_TIMES + ",hpx"),
    ("preprocessing_calibrationframe", "preprocessing.CalibrationFrame", "", ROW_TIMES),
    ("differencing_referenceimage", "differencing.ReferenceImage", "", ROW_TIMES + ",hpx"),
    ("detection_model", "detection.Model", "", ROW_TIMES),
    ("detection_skyobject", "detection.SkyObject", "", ROW_TIMES + ",hpx"),
    ("detection_detection", "detection.Detection", "", ROW_TIMES + ",hpx"),
    ("curation_validationlabel", "curation.ValidationLabel", "", ROW_TIMES),
    ("curation_validationevent", "curation.ValidationEvent", "", "created_at"),
    ("curation_curator", "curation.Curator", "", ROW_TIMES + ",verdicts"),
    ("curation_alert", "curation.Alert", "", ROW_TIMES),
    ("curation_alertrule", "curation.AlertRule", "", ROW_TIMES),
    ("curation_alertrule_channels", "curation.AlertRule_channels", "", ""),
    ("curation_alertchannel", "curation.AlertChannel", "secret", ROW_TIMES),
    ("curation_delivery", "curation.Delivery", "", ROW_TIMES),
    ("catalog_catalogentry", "catalog.CatalogEntry", "", ROW_TIMES + ",hpx"),
    ("catalog_processingjob", "catalog.ProcessingJob", "", ROW_TIMES),
    ("catalog_exportjob", "catalog.ExportJob", "", ROW_TIMES),
    ("catalog_systemconfig", "catalog.SystemConfig", "", ROW_TIMES + ",effective_since"),
    ("auth_user", "auth.User", "password", "last_login"),
    ("auth_group", "auth.Group", "", ""),
    ("auth_user_groups", "auth.User_groups", "", ""),
    ("auth_user_user_permissions", "auth.User_user_permissions", "", ""),
    ("auth_group_permissions", "auth.Group_permissions", "", ""),
    ("django_celery_beat_crontabschedule", "django_celery_beat.CrontabSchedule", "", ""),
    (
        "django_celery_beat_periodictask",
        "django_celery_beat.PeriodicTask",
        "",
        "last_run_at,total_run_count,date_changed",
    ),
)

# The condition stands before the function: work that nobody is named for costs nothing.
ATTACH = """
CREATE TRIGGER astrid_audit AFTER INSERT OR UPDATE OR DELETE ON {table}
    FOR EACH ROW WHEN (current_setting('astrid.user', true) <> '')
    EXECUTE FUNCTION astrid_audit('{label}', '{masked}', '{ignored}');
"""
DETACH = "DROP TRIGGER astrid_audit ON {table};"


def _watch(table: str, label: str, masked: str, ignored: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        ATTACH.format(table=table, label=label, masked=masked, ignored=ignored),
        DETACH.format(table=table),
    )


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0006_one_job_per_run"),
        ("observations", "0001_initial"),
        ("preprocessing", "0001_initial"),
        ("differencing", "0002_initial"),
        ("detection", "0003_initial"),
        ("curation", "0002_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [
        migrations.RunSQL(UUID7 + ENTITY_ID + SHOWN + SUMMARY + AUDIT, UNDO),
        migrations.RunSQL(APPEND_ONLY, NOT_APPEND_ONLY),
        migrations.RunSQL(EFFECTIVE, NOT_EFFECTIVE),
        *(_watch(*each) for each in AUDITED),
    ]
