"""Jobs, exports, alerts and verdicts write events in the transaction that moves them.

New detections are told of by :func:`catalog.receivers.hand_over`, which knows which of them are
told of at all.
"""

from django.db import migrations

# Arguments: the kind of the event, then the columns that are told.
TELL = """
CREATE FUNCTION astrid_tell() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry jsonb := to_jsonb(NEW);
BEGIN
    INSERT INTO catalog_event (created_at, kind, entity_id, facts)
    SELECT clock_timestamp(), TG_ARGV[0], NEW.id, jsonb_object_agg(name, entry->name)
    FROM unnest(TG_ARGV[1:]) AS name;
    RETURN NULL;
END $$;
"""
NEW_OR_MOVED = """
CREATE TRIGGER astrid_tell_new AFTER INSERT ON {table}
    FOR EACH ROW EXECUTE FUNCTION astrid_tell({arguments});
CREATE TRIGGER astrid_tell_moved AFTER UPDATE OF status ON {table}
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION astrid_tell({arguments});
"""
NEW = """
CREATE TRIGGER astrid_tell_new AFTER INSERT ON {table}
    FOR EACH ROW EXECUTE FUNCTION astrid_tell({arguments});
"""
MOVED = """
CREATE TRIGGER astrid_tell_moved AFTER UPDATE OF status ON {table}
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION astrid_tell({arguments});
"""
SILENT = """
DROP TRIGGER IF EXISTS astrid_tell_new ON {table};
DROP TRIGGER IF EXISTS astrid_tell_moved ON {table};
"""
TOLD = {
    "catalog_processingjob": (
        NEW_OR_MOVED,
        ("job", "job_type", "status", "entity_type", "entity_id", "retry_count"),
    ),
    "catalog_exportjob": (NEW_OR_MOVED, ("export", "status", "file_format", "rows")),
    "curation_alert": (NEW, ("alert", "alert_type", "priority", "title", "detection_id")),
    "detection_detection": (MOVED, ("judged", "status", "observation_id")),
}


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0033_things_happen"),
        ("curation", "0013_what_is_rare_is_found"),
        ("detection", "0014_forced_photometry"),
    ]

    operations = [
        migrations.RunSQL(TELL, "DROP FUNCTION astrid_tell();"),
        *(
            migrations.RunSQL(
                attach.format(table=table, arguments=", ".join(f"'{one}'" for one in arguments)),
                SILENT.format(table=table),
            )
            for table, (attach, arguments) in TOLD.items()
        ),
    ]
