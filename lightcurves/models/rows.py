"""Rows that check themselves before they are written, and rows with arrays."""

from collections.abc import Collection, Iterable
from typing import Any, ClassVar, Self, TypeVar

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone

from astrid.core.array_stores import STORES, ArrayStore
from astrid.core.arrays import NumpyArrayField
from astrid.core.copying import copy_rows
from astrid.core.models import Dated
from lightcurves.models.slices import ArraySlice

_Row = TypeVar("_Row", bound="PreparedRow")


class PreparedQuerySet(models.QuerySet[_Row]):
    """Bulk writes prepare their rows as `PreparedRow.save` does; arrays stay out of reads."""

    def without_arrays(self) -> Self:
        """Leave the arrays in the database until they are asked for."""
        return self.defer(*self.model.array_fields())

    def with_arrays(self) -> Self:
        """Fetch the arrays together with the rows."""
        return self.defer(None)

    def only(self, *fields: str) -> Self:
        """Fetch just these fields, arrays too where named; Django would keep those deferred."""
        return super(PreparedQuerySet, self.defer(None)).only(*fields)

    def with_part(self, name: str, start: int, stop: int) -> Self:
        """Give rows ``NAME_part``: numbers ``start`` to ``stop`` of an array, and only those read.

        Raises
        ------
        ValueError
            If not 0 <= start <= stop.
        """
        return self.annotate(**{f"{name}_part": ArraySlice(name, start, stop)})

    def copy_create(
        self, objs: Iterable[_Row], store: ArrayStore = STORES["database"]
    ) -> list[_Row]:
        """Insert many rows by COPY, their arrays into ``store``: the fastest way for arrays.

        Either all are written or none. Rows get their keys.
        """
        rows = list(objs)
        self.model.prepare_rows(rows)
        with transaction.atomic(using=self.db):
            copy_rows(self.model, rows, store)
        return rows

    def bulk_create(self, objs: Iterable[_Row], *args: Any, **options: Any) -> list[_Row]:
        """Insert many rows after one preparation of them all."""
        rows = list(objs)
        self.model.prepare_rows(rows)
        return super().bulk_create(rows, *args, **options)

    def bulk_update(
        self, objs: Iterable[_Row], fields: Iterable[str], *args: Any, **options: Any
    ) -> int:
        """Update many rows, with the columns that follow from ``fields``."""
        rows = list(objs)
        self.model.prepare_rows(rows)
        return super().bulk_update(rows, self.model.with_derived(fields), *args, **options)

    def update(self, **values: Any) -> int:
        """Update, unless a column would then contradict the one it follows from."""
        for name in self.model.DERIVED.keys() & values.keys():
            if not self.model.DERIVED[name] <= values.keys():
                raise ValidationError(
                    f"{name} cannot be set by update(): other columns follow from it; "
                    "save the rows or use bulk_update()"
                )
        return super().update(**{"updated_at": timezone.now()} | values)


class PreparedManager(models.Manager.from_queryset(PreparedQuerySet)):  # type: ignore[misc]
    """Rows without their arrays."""

    def get_queryset(self) -> Any:
        """Leave arrays out."""
        return super().get_queryset().without_arrays()


class PreparedRow(Dated):
    """A row that fills in what follows from its values, and refuses what contradicts itself."""

    # column -> the columns that follow from it
    DERIVED: ClassVar[dict[str, frozenset[str]]] = {}

    objects: ClassVar[Any] = PreparedManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        """Prepare the row, then write it."""
        self.prepare_rows([self])
        if update_fields is not None:
            written = self.with_derived(list(update_fields))
            update_fields = written and written | {"updated_at"}
        super().save(*args, update_fields=update_fields, **options)

    def clean(self) -> None:
        """Check the row as saving it would."""
        super().clean()
        self.prepare_rows([self])

    @classmethod
    def prepare_rows(cls, rows: Collection[Any]) -> None:
        """Prepare rows about to be written; ValidationError refuses them all."""
        raise NotImplementedError

    @classmethod
    def array_fields(cls) -> list[str]:
        """Name the fields that hold arrays."""
        return [f.name for f in cls._meta.concrete_fields if isinstance(f, NumpyArrayField)]

    @classmethod
    def with_derived(cls, fields: Iterable[str]) -> set[str]:
        """Add to ``fields`` those that follow from them."""
        return set(fields).union(*(cls.DERIVED.get(name, frozenset()) for name in fields))

    def take_array(self, name: str) -> Any:
        """Give an array of this row as it will be stored."""
        field: Any = self._meta.get_field(name)
        array = field.to_python(getattr(self, name))
        if array is None and not field.null:
            raise ValidationError(f"{name} is missing")
        setattr(self, name, array)
        return array


def holding(rows: Iterable[_Row], *arrays: str) -> list[_Row]:
    """Keep the rows with one of ``arrays`` in memory; arrays left in the database are unchanged."""
    return [row for row in rows if not set(arrays).isdisjoint(row.__dict__)]
