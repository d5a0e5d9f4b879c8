"""Messages to the broker. The database is the truth; a message only says: look now."""

import logging
from functools import partial
from typing import Any

from celery import Signature, Task, current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def hint(task: Task, *args: Any) -> None:
    """Queue ``task`` once the transaction is committed; a lost hint costs only time."""
    transaction.on_commit(partial(_send, task.signature(args)))


def nudge(name: str, *args: str) -> None:
    """Queue a task of an app above, by its name, once the transaction is committed."""
    transaction.on_commit(partial(_send, current_app.signature(name, args)))


def _send(message: Signature) -> None:
    try:
        message.apply_async(retry=False)
    except OperationalError as error:
        logger.warning("no broker for %s (%s); the next sweep finds it", message, error)
