"""The triggers that write tallies, as SQL for migrations."""

from catalog.analytics.contributions import DIMENSIONS, SOURCES, Source

_WRITE = """
    INSERT INTO catalog_tally ({dimensions}, value, count)
    SELECT {dimensions}, sum(value), sum(count) FROM ({rows}) AS contribution
    GROUP BY {dimensions} HAVING sum(count) <> 0 OR sum(value) <> 0;
"""
_FUNCTION = """
CREATE OR REPLACE FUNCTION astrid_tally_{name}_{verb}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
{write}    RETURN NULL;
END $$;
"""
_STATEMENT = """
CREATE TRIGGER astrid_tally_{verb} AFTER {event} ON {table}
    REFERENCING {image} TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION astrid_tally_{name}_{verb}();
"""
# Row by row: a statement's images cannot be had together with a list of columns, and updates of
# other columns (there are many) shall cost nothing.
_ROW = """
CREATE TRIGGER astrid_tally_moved AFTER UPDATE OF {moved} ON {table}
    FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION astrid_tally_{name}_moved();
"""
_REMOVE = """
DROP FUNCTION IF EXISTS astrid_tally_{name}_new() CASCADE;
DROP FUNCTION IF EXISTS astrid_tally_{name}_gone() CASCADE;
DROP FUNCTION IF EXISTS astrid_tally_{name}_moved() CASCADE;
"""


def functions(name: str) -> str:
    """Give the functions of a source; they may be installed again."""
    source = SOURCES[name]
    added, taken = source.select("changed"), _taken(source.select("changed"))
    made = _function(name, "new", added) + _function(name, "gone", taken)
    if not source.moved:
        return made
    both = f"{source.select('(SELECT NEW.*)')} UNION ALL {_taken(source.select('(SELECT OLD.*)'))}"
    return made + _function(name, "moved", both)


def triggers(name: str) -> str:
    """Give the triggers that call them."""
    source = SOURCES[name]
    parts = {"name": name, "table": source.table}
    made = _STATEMENT.format(verb="new", event="INSERT", image="NEW", **parts)
    made += _STATEMENT.format(verb="gone", event="DELETE", image="OLD", **parts)
    if source.moved:
        made += _ROW.format(moved=source.moved, condition=_has_moved(source), **parts)
    return made


def removal(name: str) -> str:
    """Take functions and triggers of a source away."""
    return _REMOVE.format(name=name)


def _function(name: str, verb: str, rows: str) -> str:
    write = _WRITE.format(dimensions=DIMENSIONS, rows=rows)
    return _FUNCTION.format(name=name, verb=verb, write=write)


def _taken(select: str) -> str:
    return (
        f"SELECT {DIMENSIONS}, -value AS value, -count AS count "  # noqa: S608 - ours
        f"FROM ({select}) AS former"
    )


def _has_moved(source: Source) -> str:
    columns = [column.strip() for column in source.moved.split(",")]
    return " OR ".join(f"OLD.{one} IS DISTINCT FROM NEW.{one}" for one in columns)
