"""What hangs on rows, counted and deleted by the database: no row of it is fetched."""

from collections.abc import Iterator
from typing import Any

from django.db import models, transaction
from django.db.models.deletion import ProtectedError


def relations(table: type[models.Model]) -> Iterator[Any]:
    """Give the foreign keys of other tables that point at a table."""
    for relation in table._meta.related_objects:
        if not relation.many_to_many:
            yield relation


def below(rows: models.QuerySet, relation: Any) -> models.QuerySet:
    """Give the rows that point at rows."""
    found: models.QuerySet = relation.related_model._base_manager.filter(
        **{f"{relation.field.name}__in": rows.values("pk")}
    )
    return found


def cascade(
    rows: models.QuerySet, table: type[models.Model]
) -> Iterator[tuple[type[models.Model], int, bool]]:
    """Give what hangs on rows of a table, at any remove.

    Returns
    -------
    iterator of (model, int, bool)
        A table, how many rows of it, and whether these forbid the deletion.
    """
    for relation in relations(table):
        found = below(rows, relation)
        if count := found.count():
            yield relation.related_model, count, relation.on_delete is models.PROTECT
            if relation.on_delete is models.CASCADE:
                yield from cascade(found, relation.related_model)


def delete_all(rows: models.QuerySet, table: type[models.Model]) -> None:
    """Delete rows of a table with all that hangs on them, in one statement per foreign key.

    Raises
    ------
    ProtectedError
        If something that hangs on them forbids it; then nothing is deleted.
    """
    with transaction.atomic():
        for relation in relations(table):
            found = below(rows, relation)
            if not found.exists():
                continue
            if relation.on_delete is models.CASCADE:
                delete_all(found, relation.related_model)
            else:
                raise ProtectedError(f"{found.count()} rows hold {rows.count()}", set(found[:1]))
        rows._raw_delete(rows.db)
