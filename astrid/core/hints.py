"""Messages to the broker. The database is the truth; a message only says: look now."""

import logging
from functools import partial
from typing import Any

from celery import Task
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def hint(task: Task, *args: Any) -> None:
    """Queue ``task`` once the transaction is committed; a lost hint costs only time."""
    transaction.on_commit(partial(_send, task, args))


def _send(task: Task, args: tuple[Any, ...]) -> None:
    try:
        task.apply_async(args, retry=False)
    except OperationalError as error:
        logger.warning("no broker for %s%s (%s); the next sweep finds it", task.name, args, error)
