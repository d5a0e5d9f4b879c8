"""The names of the rows that jobs and the audit log are about."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.db import models
from django.http import HttpRequest

from astrid.core.changelist import KeysetList
from catalog.audit import key_of


class NamedEntities(KeysetList):
    """A page of rows about other rows: each gets the name of the other as ``entity_name``."""

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page, then the names, one query for each table that it is about."""
        super().get_results(request)
        self.result_list = list(self.result_list)
        found = {label: _names(label, keys) for label, keys in _by_table(self.result_list)}
        for row in self.result_list:
            row.entity_name = found[row.entity_type].get(key_of(row.entity_id), "")


def _by_table(rows: Iterable[Any]) -> Iterator[tuple[str, set[Any]]]:
    keys: dict[str, set[Any]] = {}
    for row in rows:
        keys.setdefault(row.entity_type, set()).add(key_of(row.entity_id))
    yield from keys.items()


def _names(label: str, keys: set[Any]) -> dict[Any, str]:
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):  # a table that is gone, or one without a model
        return {}
    manager: models.Manager[Any] = model._default_manager
    joined = [field.name for field in model._meta.concrete_fields if field.is_relation]
    rows = manager.select_related(*joined).in_bulk(list(keys))
    return {key: str(row) for key, row in rows.items()}
