"""Every stored file that a row names: whether it is there, and what was written."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.apps import apps
from django.core.files.storage import storages
from django.db import models

from astrid.core import store
from astrid.core.errors import CorruptFile, MissingFile
from lightcurves.moving import named_shards

PREFIX = "cas/"  # what lies under the name of its content


@dataclass(frozen=True)
class Named:
    """A stored file, and a column that names it."""

    name: str
    column: str


@dataclass
class Findings:
    """What came of looking at every file."""

    intact: list[Named] = field(default_factory=list)
    missing: list[Named] = field(default_factory=list)
    corrupt: list[Named] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is lost."""
        return not (self.missing or self.corrupt)


def columns() -> list[models.Field]:
    """Give the columns of all tables that can name a stored file."""
    return [
        column
        for model in apps.get_models()
        for column in model._meta.local_concrete_fields
        if column.name.endswith("_path") and isinstance(column, models.CharField)
        if not model._meta.proxy
    ]


def count() -> int:
    """Count what :func:`named` gives."""
    return sum(_naming(column).count() for column in columns()) + len(list(named_shards()))


def named() -> Iterator[Named]:
    """Give every stored file that a row names, once each per column."""
    for column in columns():
        for name in _naming(column).iterator(chunk_size=5000):
            yield Named(name, column.model._meta.label + "." + column.name)
    for label, sha256 in named_shards():
        yield Named(store.name_of(sha256), label)


def _naming(column: models.Field) -> "models.QuerySet[models.Model, str]":
    rows = column.model._base_manager.filter(**{f"{column.name}__startswith": PREFIX})
    return rows.order_by(column.name).values_list(column.name, flat=True).distinct()


def verify(files: Iterable[Named], *, only_presence: bool = False) -> Findings:
    """Look at each file once.

    Parameters
    ----------
    files : iterable of Named
    only_presence : bool
        Ask the storage whether they are there, and read none.
    """
    found, seen = Findings(), set[str]()
    for one in files:
        if one.name not in seen:
            seen.add(one.name)
            _state_of(one.name, found, only_presence=only_presence).append(one)
    return found


def _state_of(name: str, found: Findings, *, only_presence: bool) -> list[Named]:
    """Give the list that a file belongs on."""
    if only_presence:
        return found.intact if storages[store.ALIAS].exists(name) else found.missing
    try:
        store.get(name)
    except MissingFile:
        return found.missing
    except CorruptFile:
        return found.corrupt
    return found.intact
