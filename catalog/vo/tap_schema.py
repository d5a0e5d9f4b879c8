"""``TAP_SCHEMA``: the published tables and columns, as tables that can be asked.

Reference: Dowler et al. 2019, Table Access Protocol 1.1, section 4.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from catalog.vo.adql.schema import Column, Table

SCHEMAS = {
    "astrid": "What this archive found in the sky.",
    "ivoa": "Tables that all archives describe in the same way.",
    "tap_schema": "What there is to ask.",
    "tap_upload": "Tables that came with the query.",
}
# The column of one table that names a row of another.
KEYS = (
    ("astrid.entries", "object_id", "astrid.objects", "object_id"),
    ("astrid.detections", "object_id", "astrid.objects", "object_id"),
    ("astrid.detections", "observation_id", "astrid.observations", "observation_id"),
    ("astrid.candidates", "observation_id", "astrid.observations", "observation_id"),
    ("TAP_SCHEMA.tables", "schema_name", "TAP_SCHEMA.schemas", "schema_name"),
    ("TAP_SCHEMA.columns", "table_name", "TAP_SCHEMA.tables", "table_name"),
    ("TAP_SCHEMA.keys", "from_table", "TAP_SCHEMA.tables", "table_name"),
    ("TAP_SCHEMA.keys", "target_table", "TAP_SCHEMA.tables", "table_name"),
    ("TAP_SCHEMA.key_columns", "key_id", "TAP_SCHEMA.keys", "key_id"),
)
_KINDS = {
    "short": "smallint", "int": "integer", "long": "bigint",
    "float": "real", "double": "float8", "char": "text",
}  # fmt: skip


def _columns(*described: tuple[str, str, str]) -> tuple[Column, ...]:
    return tuple(
        Column(
            name,
            datatype,
            description,
            arraysize="*" if datatype == "char" else "",
            is_standard=True,
        )
        for name, datatype, description in described
    )


SCHEMAS_COLUMNS = _columns(
    ("schema_name", "char", "Name."),
    ("utype", "char", "What it is in a data model."),
    ("description", "char", "What is in it."),
    ("schema_index", "int", "In which order to show them."),
)
TABLES_COLUMNS = _columns(
    ("schema_name", "char", "Its schema."),
    ("table_name", "char", "Name, with that of the schema."),
    ("table_type", "char", "table or view."),
    ("utype", "char", "What it is in a data model."),
    ("description", "char", "What is in it."),
    ("table_index", "int", "In which order to show them."),
)
COLUMNS_COLUMNS = _columns(
    ("table_name", "char", "Its table."),
    ("column_name", "char", "Name."),
    ("datatype", "char", "As in VOTable."),
    ("arraysize", "char", "As in VOTable."),
    ("xtype", "char", "As in VOTable."),
    ("size", "int", "Length, where it is fixed."),
    ("description", "char", "What is in it."),
    ("utype", "char", "What it is in a data model."),
    ("unit", "char", "Unit."),
    ("ucd", "char", "What kind of quantity it is."),
    ("indexed", "int", "1 if an index serves it."),
    ("principal", "int", "1 if it is of the first importance."),
    ("std", "int", "1 if a standard defines it."),
    ("column_index", "int", "In which order to show them."),
)
KEYS_COLUMNS = _columns(
    ("key_id", "char", "Name of the key."),
    ("from_table", "char", "The table that refers."),
    ("target_table", "char", "The table that is referred to."),
    ("description", "char", "What it means."),
    ("utype", "char", "What it is in a data model."),
)
KEY_COLUMNS_COLUMNS = _columns(
    ("key_id", "char", "Name of the key."),
    ("from_column", "char", "The column that refers."),
    ("target_column", "char", "The column that is referred to."),
)
NAMES: Mapping[str, tuple[tuple[Column, ...], str]] = {
    "TAP_SCHEMA.schemas": (SCHEMAS_COLUMNS, "Schemas."),
    "TAP_SCHEMA.tables": (TABLES_COLUMNS, "Tables."),
    "TAP_SCHEMA.columns": (COLUMNS_COLUMNS, "Columns."),
    "TAP_SCHEMA.keys": (KEYS_COLUMNS, "Which tables refer to which."),
    "TAP_SCHEMA.key_columns": (KEY_COLUMNS_COLUMNS, "By which columns they do."),
}


def described(tables: Sequence[Table]) -> list[Table]:
    """Give the five tables that describe ``tables`` and themselves."""
    empty = [_table(name, []) for name in NAMES]
    known = [*tables, *empty]
    rows = {
        "TAP_SCHEMA.schemas": _schemas(known),
        "TAP_SCHEMA.tables": _tables(known),
        "TAP_SCHEMA.columns": [row for table in known for row in _rows_of(table)],
        "TAP_SCHEMA.keys": [row for row, _ in _keys(known)],
        "TAP_SCHEMA.key_columns": [row for _, row in _keys(known)],
    }
    return [_table(name, rows[name]) for name in NAMES]


def values_table(columns: Sequence[Column], rows: Iterable[Mapping[str, Any]]) -> tuple[str, str]:
    """Write rows as a table: the statement, and its one parameter."""
    kinds = ", ".join(f'"{each.name}" {_kind(each)}' for each in columns)
    statement = f"SELECT * FROM jsonb_to_recordset(%s::jsonb) AS r({kinds})"  # noqa: S608
    return statement, json.dumps(list(rows))


def _kind(column: Column) -> str:
    kind = _KINDS[column.datatype]
    return f"{kind}[]" if column.arraysize and column.datatype != "char" else kind


def _table(name: str, rows: Iterable[Mapping[str, Any]]) -> Table:
    columns, description = NAMES[name]
    statement, content = values_table(columns, rows)
    return Table(name, columns, statement, (content,), description=description)


def schema_of(table: Table) -> str:
    """Give the schema of a table."""
    return table.name.partition(".")[0]


def _schemas(tables: Sequence[Table]) -> list[dict[str, Any]]:
    names = dict.fromkeys(schema_of(each) for each in tables)
    return [
        {"schema_name": name, "description": SCHEMAS[name.lower()], "schema_index": k}
        for k, name in enumerate(names, 1)
    ]


def _tables(tables: Sequence[Table]) -> list[dict[str, Any]]:
    return [
        {
            "schema_name": schema_of(each),
            "table_name": each.name,
            "table_type": "table",
            "utype": each.utype or None,
            "description": each.description,
            "table_index": k,
        }
        for k, each in enumerate(tables, 1)
    ]


def _rows_of(table: Table) -> list[dict[str, Any]]:
    shown = [each for each in table.columns if not each.is_hidden]
    return [
        {
            "table_name": table.name,
            "column_name": each.name_in_queries,
            "datatype": each.datatype,
            "arraysize": each.arraysize or None,
            "xtype": each.xtype or None,
            "size": int(each.arraysize) if each.arraysize.isdigit() else None,
            "description": each.description,
            "utype": each.utype or None,
            "unit": each.unit or None,
            "ucd": each.ucd or None,
            "indexed": int(each.is_indexed),
            "principal": int(each.is_principal),
            "std": int(each.is_standard),
            "column_index": k,
        }
        for k, each in enumerate(shown, 1)
    ]


def _keys(tables: Sequence[Table]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    made = []
    for source, column, target, key in keys_among(tables):
        name = f"{source}.{column}-{target}"
        made.append(
            (
                {"key_id": name, "from_table": source, "target_table": target},
                {"key_id": name, "from_column": column, "target_column": key},
            )
        )
    return made


def keys_among(tables: Sequence[Table]) -> list[tuple[str, str, str, str]]:
    """Give the keys that lead from one of these tables to another."""
    names = {each.name for each in tables}
    return [each for each in KEYS if {each[0], each[2]} <= names]
