"""Locks that the database holds for a live connection, and drops when the process dies."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

_SIGNED_64 = 0x7FFF_FFFF_FFFF_FFFF


def number(key: uuid.UUID) -> int:
    """Give the number by which PostgreSQL knows a key."""
    return key.int & _SIGNED_64


@contextmanager
def holding(key: uuid.UUID) -> Iterator[bool]:
    """Try to hold ``key`` while the block runs; gives False when another process has it.

    PostgreSQL frees the lock of a connection that breaks, so whoever gets the lock of a
    piece of work that is marked as running knows that its worker has died.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [number(key)])
        (held,) = cursor.fetchone()
    try:
        yield held
    finally:
        if held:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [number(key)])


def queue_up(key: str) -> None:
    """Wait until no other transaction holds ``key``, then hold it to the end of this one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
