"""What Django's models cannot say: how arrays are stored, and that trees and lineages are acyclic."""

from django.db import migrations

ARRAYS = [
    ("lightcurves_observation", "cadence_reference"),
    ("lightcurves_dataset", "values"),
    ("lightcurves_dataset", "errors"),
    ("lightcurves_targetspecifictime", "barycentric_julian_dates"),
    ("lightcurves_qualityflagarray", "quality_flags"),
]

# EXTERNAL: PostgreSQL does not try to compress (noise gains nothing, writing is 2.6 times
# slower), and a slice of a value reads only the 2 kB pieces it touches.
STORAGE = 'ALTER TABLE {} ALTER COLUMN "{}" SET STORAGE {}'

# The lock makes writers of one table take turns until they commit: two transactions could
# otherwise each add one half of a circle that neither sees.
REFUSE_CIRCLE = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME, 0));
    IF EXISTS (
        WITH RECURSIVE walk(node) AS (
            SELECT NEW.{above}
            UNION
            SELECT edge.{above} FROM {table} edge JOIN walk ON edge.{below} = walk.node
        ) SELECT 1 FROM walk WHERE node = NEW.{below}
    ) THEN
        RAISE EXCEPTION '{table}: {below} % and {above} % would close a circle', NEW.{below}, NEW.{above}
            USING ERRCODE = 'check_violation', CONSTRAINT = '{name}';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER {name} AFTER INSERT OR UPDATE OF {below}, {above} ON {table}
    FOR EACH ROW WHEN (NEW.{above} IS NOT NULL) EXECUTE FUNCTION {name}();
"""
ALLOW_CIRCLE = "DROP TRIGGER {name} ON {table}; DROP FUNCTION {name}();"

EDGES = [
    {
        "name": "instrument_no_circle",
        "table": "lightcurves_instrument",
        "below": "id",
        "above": "parent_id",
    },
    {
        "name": "datasethierarchy_no_circle",
        "table": "lightcurves_datasethierarchy",
        "below": "child_dataset_id",
        "above": "source_dataset_id",
    },
]


class Migration(migrations.Migration):
    dependencies = [("lightcurves", "0001_initial")]

    operations = [
        *(
            migrations.RunSQL(
                STORAGE.format(*column, "EXTERNAL"), STORAGE.format(*column, "EXTENDED")
            )
            for column in ARRAYS
        ),
        *(
            migrations.RunSQL(REFUSE_CIRCLE.format(**edge), ALLOW_CIRCLE.format(**edge))
            for edge in EDGES
        ),
    ]
