"""Rows written by PostgreSQL's COPY in its binary form.

Columns of numbers go from numpy to the server without an object per row or per value; rows with
arrays go as bytes, where an INSERT writes them as text.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, models, transaction
from django.utils import timezone

from astrid.core.array_stores import ArrayStore
from astrid.core.arrays import NumpyArrayField
from astrid.core.copyformat import content, encoded, is_column, type_of
from astrid.core.ids import new_ids

Columns = Mapping[str, Any]


def copy_columns(model: type[models.Model], columns: Columns) -> int:
    """Write new rows from columns; either all are written or none. Gives their number.

    Parameters
    ----------
    model : type of Model
        The table. The database checks what it checks of every row; signals are not sent.
    columns : mapping
        By the name of a field or its column: an (n,) array or list, or one value for all rows.
        What a masked array masks, and None, become NULL. Keys, the times of creation and change,
        and defaults are filled in where they are not given.

    Raises
    ------
    ValueError
        If the lengths differ, a name is no field of the model, a field without a default is
        missing, or a value does not fit its column.
    """
    number = _length(columns)
    if number == 0:
        return 0
    fields = _written_fields(model)
    given = _by_column(model, fields, columns)
    written = [
        encoded(field.name, type_of(field), _values(field, given, number)) for field in fields
    ]
    with _into(model, fields) as target:
        for part in content(written, number):
            target.write(part)
    return number


def copy_rows(model: type[models.Model], rows: Sequence[Any], store: ArrayStore) -> None:
    """Write new rows, their arrays into ``store``, and give them their keys.

    The rows are expected to be checked, and a transaction to be open.
    """
    if not rows:
        return
    fields = _written_fields(model)
    _take_keys(model, [row for row in rows if row.pk is None])
    with _into(model, fields) as target:
        target.set_types([type_of(field) for field in fields])
        for row in zip(*(_contents(field, rows, store) for field in fields), strict=True):
            target.write_row(row)
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias


def _written_fields(model: type[models.Model]) -> list[Any]:
    """Give the fields that are written: the database reckons the others by itself."""
    return [field for field in model._meta.concrete_fields if not field.generated]


@contextmanager
def _into(model: type[models.Model], fields: Sequence[Any]) -> Iterator[Any]:
    """Open the COPY of rows into a table, in a transaction."""
    table = connection.ops.quote_name(model._meta.db_table)
    columns = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    with transaction.atomic(), connection.cursor() as cursor:
        # Wrappers of statements, such as that which names who is at work for the audit log, do
        # not see a COPY. They see this, which locks no more than the COPY does.
        cursor.execute(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE")
        with (
            connection.wrap_database_errors,
            cursor.cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)") as target,
        ):
            yield target


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


def _contents(field: Any, rows: Sequence[Any], store: ArrayStore) -> Iterator[Any]:
    """Give what each row's column is to hold."""
    values = [field.pre_save(row, add=True) for row in rows]
    if isinstance(field, NumpyArrayField):
        held = iter(store.put([value for value in values if value is not None]))
        yield from (None if value is None else next(held) for value in values)
    else:
        yield from (field.get_db_prep_save(value, connection) for value in values)


def _length(columns: Columns) -> int:
    lengths = {name: len(each) for name, each in columns.items() if is_column(each)}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns differ in length: {lengths}")
    return next(iter(lengths.values()), 1)


def _by_column(model: type[models.Model], fields: Sequence[Any], columns: Columns) -> Columns:
    names = {name: str(field.column) for field in fields for name in (field.column, field.name)}
    if unknown := sorted(columns.keys() - names.keys()):
        raise ValueError(f"{model.__name__} has no {', '.join(unknown)}; it has {', '.join(names)}")
    return {names[name]: value for name, value in columns.items()}


def _values(field: Any, given: Columns, number: int) -> Any:
    """Give the column that was given, or what Django would fill in."""
    if field.column in given:
        return given[field.column]
    if field.primary_key and isinstance(field, models.UUIDField):
        return new_ids(number)
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return timezone.now()
    if not (field.has_default() or field.null or field.empty_strings_allowed):
        raise ValueError(f"no {field.name} is given, and {field.model.__name__} has no default")
    return field.get_default()
