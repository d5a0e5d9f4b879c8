"""What goes along when a row is deleted, counted where there is too much to list."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db import models
from django.utils.text import capfirst

from lightcurves.deleting import cascade

MOST_LISTED = 200
Deleted = tuple[list[Any], dict[str, int], set[str], list[str]]


def counted(page: Any, rows: Sequence[models.Model], request: Any) -> Deleted | None:
    """Give what the admin asks before it deletes, in counts; None where a list says it better.

    Parameters
    ----------
    page : ModelAdmin
        Whose rows they are.
    rows : sequence of models
    """
    table = page.model._meta.concrete_model
    found = list(cascade(table._base_manager.filter(pk__in=[row.pk for row in rows]), table))
    going: Counter[Any] = Counter()
    for other, count, holds in found:
        going[other] += 0 if holds else count
    if going.total() <= MOST_LISTED:
        return None
    counts = {other: count for other, count in going.items() if count}
    return (
        [*map(str, rows), *(in_words(other, count) for other, count in counts.items())],
        {
            str(other._meta.verbose_name_plural): count
            for other, count in (Counter({table: len(rows)}) + Counter(counts)).items()
        },
        {str(other._meta.verbose_name) for other in counts if not _may(page, other, request)},
        [in_words(other, count) for other, count, holds in found if holds],
    )


def in_words(table: type[models.Model], count: int) -> str:
    """Give a number of rows as the admin says it."""
    return f"{capfirst(str(table._meta.verbose_name_plural))}: {count:,}"


def _may(page: Any, table: type[models.Model], request: Any) -> bool:
    """Say whether the user may delete rows of a table; one without page goes along."""
    other = page.admin_site._registry.get(table)
    return other is None or other.has_delete_permission(request)
