"""The audit log tells of rows with arrays without reading the arrays."""

from importlib import import_module
from typing import Any

from django.db import migrations

BEFORE = import_module("catalog.migrations.0010_people_leave_a_trace_in_every_table")
ATTACH, DETACH = BEFORE.BEFORE.ATTACH, BEFORE.BEFORE.DETACH
HEAD, _, TAIL = BEFORE.AUDIT.partition("    SELECT array_agg(key) INTO keys")

# What `astrid_audit` does with two rows that are JSON already.
TELL = (
    """
CREATE FUNCTION astrid_tell(
    action text, label text, masked text[], ignored text[], name text, before jsonb, after jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    keys text[];
BEGIN
    SELECT array_agg(key) INTO keys"""
    + TAIL.replace("RETURN NULL", "RETURN")
    .replace("coalesce(TG_ARGV[3], 'id')", "name")
    .replace("TG_ARGV[0]", "label")
)

# Each table has a function of its own, which names its columns: whoever hands a row as a whole to
# anything makes PostgreSQL read all that lies beside it. A migration that adds a column to one of
# these tables calls `watch` once more.
WATCH = """
CREATE OR REPLACE FUNCTION {table}_audit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before jsonb;
    after jsonb;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        before := jsonb_build_object({old});
    END IF;
    IF TG_OP = 'INSERT' THEN
        after := jsonb_build_object({new});
    ELSIF TG_OP = 'UPDATE' THEN
        after := jsonb_build_object({changed});
    END IF;
    PERFORM astrid_tell(
        CASE TG_OP WHEN 'INSERT' THEN 'create' ELSE lower(TG_OP) END, TG_ARGV[0],
        string_to_array(TG_ARGV[1], ','), string_to_array(TG_ARGV[2], ','), 'id', before, after
    );
    RETURN NULL;
END $$;
"""
TABLES = [row for row in BEFORE.AUDITED if row[0].startswith("lightcurves_") and row[2]]
# A mark stands for an array: another one where the array is another.
SAME, OTHER = "'array'", "'another array'"


def watch(schema_editor: Any, table: str) -> None:
    """Write the function of a table anew, with the columns that it has now."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname, atttypid = 'bytea'::regtype FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [table],
        )
        columns = cursor.fetchall()
    told = {"old": _told(columns, "OLD"), "new": _told(columns, "NEW")}
    schema_editor.execute(WATCH.format(table=table, changed=_told(columns, "NEW", "OLD"), **told))


def _told(columns: list[tuple[str, bool]], row: str, other: str | None = None) -> str:
    """Give names and values of a row, marks for its arrays."""
    return ", ".join(
        f"'{name}', {_mark(name, row, other) if is_array else f'{row}.{name}'}"
        for name, is_array in columns
    )


def _mark(name: str, row: str, other: str | None) -> str:
    there = f"WHEN {row}.{name} IS NOT NULL THEN {SAME}"
    if other is None:
        return f"CASE {there} END"
    changed = f"WHEN {row}.{name} IS NOT NULL AND {row}.{name} IS DISTINCT FROM {other}.{name}"
    return f"CASE {changed} THEN {OTHER} {there} END"


def attach(apps: Any, schema_editor: Any) -> None:
    """Let tables with arrays tell by functions of their own."""
    for table, label, masked, ignored in TABLES:
        watch(schema_editor, table)
        schema_editor.execute(DETACH.format(table=table))
        own = ATTACH.replace("astrid_audit(", f"{table}_audit(")
        schema_editor.execute(
            own.format(table=table, label=label, masked=masked, ignored=ignored)
        )


def detach(apps: Any, schema_editor: Any) -> None:
    """Let them tell as all other tables do."""
    for table, label, masked, ignored in TABLES:
        schema_editor.execute(DETACH.format(table=table))
        schema_editor.execute(
            ATTACH.format(table=table, label=label, masked=masked, ignored=ignored)
        )
        schema_editor.execute(f"DROP FUNCTION {table}_audit()")


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0030_tables_are_matched"),
        ("lightcurves", "0009_curves_are_analysed"),
    ]

    operations = [
        migrations.RunSQL(
            TELL, "DROP FUNCTION astrid_tell(text, text, text[], text[], text, jsonb, jsonb)"
        ),
        migrations.RunPython(attach, detach),
    ]
