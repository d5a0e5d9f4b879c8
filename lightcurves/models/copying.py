"""Rows written by PostgreSQL's COPY: arrays go as bytes, where an INSERT writes them as text."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection, models

from astrid.core.array_stores import ArrayStore
from astrid.core.arrays import NumpyArrayField


def copy_rows(model: type[models.Model], rows: Sequence[Any], store: ArrayStore) -> None:
    """Write new rows, their arrays into ``store``, and give them their keys.

    The rows are expected to be checked, and a transaction to be open.
    """
    if not rows:
        return
    fields = list(model._meta.concrete_fields)
    _take_keys(model, [row for row in rows if row.pk is None])
    columns = ", ".join(f'"{field.column}"' for field in fields)
    command = f'COPY "{model._meta.db_table}" ({columns}) FROM STDIN (FORMAT BINARY)'
    with connection.cursor() as cursor, cursor.cursor.copy(command) as target:
        target.set_types([_type_of(field) for field in fields])
        for row in zip(*(_contents(field, rows, store) for field in fields), strict=True):
            target.write_row(row)
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias


def _take_keys(model: type[models.Model], rows: Sequence[Any]) -> None:
    """Reserve keys that the database counts."""
    key = model._meta.pk
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
            [model._meta.db_table, key.column, len(rows)],
        )
        for row, (number,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = number


def _type_of(field: Any) -> str:
    """Name the type of a column without its length."""
    return str(field.db_type(connection)).partition("(")[0]


def _contents(field: Any, rows: Sequence[Any], store: ArrayStore) -> Iterator[Any]:
    """Give what each row's column is to hold."""
    values = [field.pre_save(row, add=True) for row in rows]
    if isinstance(field, NumpyArrayField):
        held = iter(store.put([value for value in values if value is not None]))
        yield from (None if value is None else next(held) for value in values)
    else:
        yield from (field.get_db_prep_save(value, connection) for value in values)
