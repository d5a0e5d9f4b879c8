"""The database refuses to change or delete a verdict; a later one supersedes it."""

from django.db import migrations

GUARD = """
CREATE FUNCTION curation_verdict_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'verdict % is never changed or deleted; add one that supersedes it', OLD.id
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER verdict_is_final BEFORE UPDATE OR DELETE ON curation_validationevent
    FOR EACH ROW EXECUTE FUNCTION curation_verdict_is_final();
"""
UNGUARD = """
DROP TRIGGER verdict_is_final ON curation_validationevent;
DROP FUNCTION curation_verdict_is_final();
"""


class Migration(migrations.Migration):
    dependencies = [("curation", "0003_unsure_verdicts")]

    operations = [migrations.RunSQL(GUARD, UNGUARD)]
