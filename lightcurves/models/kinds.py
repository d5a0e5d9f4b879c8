"""Kinds of one table: a new kind is one proxy class, and no table changes.

A kind is declared as ``class TESSObservation(Observation, kind="tess")`` with typed values
(`lightcurves.models.typed`) and ``class Meta: proxy = True``. Rows carry the kind's name in
``type`` and its values in ``extra``. Rows whose kind is not known to this program (its module
is gone) are read as the base class; writing one is refused.
"""

from collections.abc import Collection
from typing import Any, ClassVar, TypeVar

from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.db import models

from lightcurves.models.rows import PreparedManager, PreparedRow
from lightcurves.models.typed import Typed

_KINDS: set[tuple[str, str]] = set()


def is_kind(app_label: str, model_name: str) -> bool:
    """Tell whether a model is a kind, which has no table and so needs no migration."""
    return (app_label, model_name) in _KINDS


class KindManager(PreparedManager):
    """All rows for a base, its own for a kind, whose typed values filter and order."""

    def get_queryset(self) -> Any:
        """Keep the rows of this kind, and know its values by name."""
        return self.model.of_this_kind(super().get_queryset())


class KindRow(PreparedRow):
    """A row whose class is told by its ``type``."""

    KIND: ClassVar[str]
    kinds: ClassVar[dict[str, type[Any]]]

    type = models.CharField(max_length=100)
    extra = models.JSONField(default=dict, blank=True, help_text="The values of this kind of row.")

    objects: ClassVar[Any] = KindManager()

    class Meta:
        abstract = True
        indexes = [
            GinIndex(fields=["extra"], opclasses=["jsonb_path_ops"], name="lc_%(class)s_extra"),
            models.Index(fields=["type"], name="lc_%(class)s_type"),
        ]

    def __init_subclass__(cls, *, kind: str, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.KIND = kind
        if KindRow in cls.__bases__:
            cls.kinds = {}
        known = cls.kinds.setdefault(kind, cls)
        if (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise ValueError(f"kind {kind!r} is {known.__qualname__} already")
        cls.kinds[kind] = cls

    def __init__(self, *args: Any, **values: Any) -> None:
        if not args:
            values.setdefault("type", self.KIND)
        super().__init__(*args, **values)

    @classmethod
    def from_db(cls, db: Any, field_names: Any, values: Any, **options: Any) -> Any:
        """Give the row the class its type names."""
        row = super().from_db(db, field_names, values, **options)
        named = cls.kinds.get(row.__dict__.get("type", ""), cls)
        if issubclass(named, cls):
            row.__class__ = named
        return row

    @classmethod
    def typed(cls) -> dict[str, Typed]:
        """Give this kind's typed values by name, those it inherits first."""
        return {
            name: value
            for owner in reversed(cls.__mro__)
            for name, value in vars(owner).items()
            if isinstance(value, Typed)
        }

    @classmethod
    def of_this_kind(cls, rows: Any) -> Any:
        """Keep the rows of this kind and of the kinds made from it."""
        if not cls._meta.proxy:
            return rows
        types = [name for name, kind in cls.kinds.items() if issubclass(kind, cls)]
        named = {name: value.expression() for name, value in cls.typed().items()}
        return rows.filter(type__in=types).alias(
            **{name: found for name, found in named.items() if found is not None}
        )

    @classmethod
    def prepare_rows(cls, rows: Collection[Any]) -> None:
        """Refuse unknown kinds and values of the wrong type."""
        for row in rows:
            if not {"type", "extra"} & row.get_deferred_fields():
                row.check_kind()

    def check_kind(self) -> None:
        """Refuse an unknown kind, or values that are not what the kind says."""
        if self.type not in self.kinds:
            known = ", ".join(sorted(self.kinds))
            raise ValidationError({"type": f"type is {self.type!r}; known are {known}"})
        if not isinstance(self.extra, dict):
            raise ValidationError({"extra": f"extra is {self.extra!r}; it must be an object"})
        typed = self.kinds[self.type].typed().values()
        problems = [problem for value in typed if (problem := value.problem(self))]
        if problems:
            raise ValidationError({"extra": problems})


_AnyKind = TypeVar("_AnyKind", bound=KindRow)


def _remember(sender: type[models.Model], **_: Any) -> None:
    """Note the classes that are kinds, once Django has made them."""
    if issubclass(sender, KindRow) and sender._meta.proxy:
        _KINDS.add((sender._meta.app_label, str(sender._meta.model_name)))


models.signals.class_prepared.connect(_remember)
