"""One way to change a status: check the table, then a conditional UPDATE."""

from collections.abc import Mapping
from typing import Any

from django.db import models
from django.utils import timezone

from astrid.core.errors import InvalidTransition

Transitions = Mapping[str, frozenset[str]]


def state_column(model: type[models.Model]) -> str:
    """Name the column that holds the state: ``STATE_COLUMN`` of the model, else ``status``."""
    return str(getattr(model, "STATE_COLUMN", "status"))


def transition(instance: models.Model, to: str, **changes: Any) -> None:
    """Move the state of ``instance`` to ``to`` and write ``changes`` in the same UPDATE.

    The UPDATE names every status that may lead to ``to``, so of two workers
    racing for one row exactly one wins; no lock is held.

    Raises
    ------
    InvalidTransition
        If the row's status in the database does not lead to ``to``.
    """
    model = type(instance)
    column = state_column(model)
    table: Transitions = model.TRANSITIONS  # type: ignore[attr-defined]
    sources = [state for state, targets in table.items() if to in targets]
    if hasattr(instance, "updated_at"):
        changes.setdefault("updated_at", timezone.now())
    rows = model._base_manager.filter(pk=instance.pk, **{f"{column}__in": sources})
    if not rows.update(**{column: to}, **changes):
        raise InvalidTransition(_refusal(instance, to, sources))
    for name, value in {column: to, **changes}.items():
        setattr(instance, name, value)


def _refusal(instance: models.Model, to: str, sources: list[str]) -> str:
    model = type(instance)
    rows = model._base_manager.filter(pk=instance.pk)
    now = rows.values_list(state_column(model), flat=True).first() or "no longer there"
    origin = " or ".join(sources) or "no other status"
    name = model._meta.verbose_name
    return f"{name} {instance.pk} is {now}; it becomes {to} only from {origin}"
