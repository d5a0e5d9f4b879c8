"""Let the database cut slices out of stored arrays, reading their header once."""

from django.db import migrations

# The layout is that of astrid.core.array_bytes: magic of 4 bytes, dtype, codec; 24 bytes of
# header before the numbers of a vector. What cannot be cut is given whole: arrays that lie in a
# shard, compressed ones, and whatever is damaged, for the reader to say so.
CUT = r"""
CREATE FUNCTION lightcurves_cut(content bytea, first bigint, last bigint) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    head bytea := substring(content from 1 for 24);
    width bigint;
BEGIN
    IF length(head) < 24 OR substring(head from 1 for 4) <> '\x41734131' OR get_byte(head, 5) <> 0 THEN
        RETURN content;
    END IF;
    width := (ARRAY[8, 4, 8, 4, 1, 2])[get_byte(head, 4) + 1];
    IF width IS NULL THEN
        RETURN content;
    END IF;
    RETURN head || substring(content from (25 + first * width)::int for ((last - first) * width)::int);
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("lightcurves", "0006_observations_are_found_by_their_cadences")]

    operations = [
        migrations.RunSQL(CUT, "DROP FUNCTION lightcurves_cut(bytea, bigint, bigint)"),
    ]
