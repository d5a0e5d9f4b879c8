"""How far a job has come, written down every few seconds while it is at work.

A thread of its own writes: the work may hold a transaction open, of which nobody sees anything
before it ends. Whoever listens is told by the triggers of the table.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from astrid.core.progress import heard_by

logger = logging.getLogger(__name__)

EVERY_S = 2.0
# The work itself may hold the row: it is not waited for.
_LOCK_TIMEOUT = "1s"


def _silent() -> None:
    """Wake nobody."""


@contextmanager
def metered(row: Any, *, wake: Callable[[], None] = _silent) -> Iterator[None]:
    """Write down, on a row that is running, what the block tells (:mod:`astrid.core.progress`).

    ``wake`` is called in each transaction that does so.
    """
    if row.work_done is not None:  # of a try before this one
        _write(row, None, None)
    meter = _Meter(row, wake)
    try:
        with heard_by(meter.hear):
            yield
    finally:
        meter.end()


class _Meter:
    def __init__(self, row: Any, wake: Callable[[], None]) -> None:
        self._row = row
        self._wake = wake
        self._heard: tuple[int, int | None] | None = None
        self._over = threading.Event()
        self._writer: threading.Thread | None = None

    def hear(self, done: int, total: int | None) -> None:
        self._heard = done, total
        if self._writer is None:
            self._writer = threading.Thread(target=self._write_on, name="progress", daemon=True)
            self._writer.start()

    def end(self) -> None:
        self._over.set()
        if self._writer is not None:
            self._writer.join()

    def _write_on(self) -> None:
        written = None
        try:
            while not self._over.wait(EVERY_S):
                if self._heard is not None and self._heard != written:
                    written = self._heard
                    self._try(*written)
        finally:
            connection.close()

    def _try(self, done: int, total: int | None) -> None:
        try:
            with transaction.atomic():
                _write(self._row, done, total)
                self._wake()
        except DatabaseError as error:
            logger.info("how far %s has come is not written down now: %s", self._row, error)


@transaction.atomic
def _write(row: Any, done: int | None, total: int | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_LOCK_TIMEOUT])
    rows = type(row)._base_manager.filter(pk=row.pk, status="running")
    rows.update(work_done=done, work_total=total, updated_at=timezone.now())
