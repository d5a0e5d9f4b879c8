"""An index for each filtered queue: its next task is found without a look at all the others."""

import hashlib
from typing import Any

from django.db import connection
from django.db.models import Index, Q

from curation.models import ReviewQueue, ReviewTask
from curation.models.queues import ORDERS, Order

PREFIX = "review_of_"
_WAITING = Q(done_at__isnull=True)


def index_of(queue: ReviewQueue) -> Index | None:
    """Give the index of the waiting tasks of a queue, in its order; None where all tasks are in.

    The database uses it wherever a query asks for the same condition, and keeps it up to date.
    """
    if not queue.filter:
        return None
    fields = list(ORDERS[Order(queue.order)])
    wanted = f"{queue.wanted.as_json()} {fields}"
    name = PREFIX + hashlib.sha256(wanted.encode()).hexdigest()[:16]
    return Index(fields=fields, condition=_WAITING & queue.condition, name=name)


def renew() -> list[str]:
    """Make the indexes that the active queues lack, and drop those of no queue; name the new ones.

    Meanwhile no verdict is recorded: about a second with a million tasks.
    """
    active = ReviewQueue.objects.filter(is_active=True)
    wanted = {index.name: index for index in map(index_of, active) if index}
    there = _names()
    connection.check_constraints()  # no index is made while rows wait for their checks
    with connection.schema_editor() as editor:
        for name in there - wanted.keys():
            editor.remove_index(ReviewTask, Index(fields=["id"], name=name))
        for name in wanted.keys() - there:
            editor.add_index(ReviewTask, wanted[name])
    return sorted(wanted.keys() - there)


def _names() -> set[str]:
    with connection.cursor() as cursor:
        known: dict[str, Any] = connection.introspection.get_constraints(
            cursor, ReviewTask._meta.db_table
        )
    return {name for name in known if name.startswith(PREFIX)}
