"""What a piece of work on the database costs: the clock, and processor time on both sides."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass
class Spent:
    """Seconds by the clock and by processors: of this process and of its server, if it is here."""

    wall_s: float = 0.0
    cpu_s: float | None = None

    @property
    def seconds(self) -> float:
        """Processor seconds where they are known: other work does not change them."""
        return self.wall_s if self.cpu_s is None else self.cpu_s


@contextmanager
def spending() -> Iterator[Spent]:
    """Measure the block."""
    spent = Spent()
    server = _server()
    wall, own, other = time.perf_counter(), time.process_time(), _server_s(server)
    yield spent
    spent.wall_s = time.perf_counter() - wall
    if server is not None:
        spent.cpu_s = time.process_time() - own + _server_s(server) - other


def _server() -> Path | None:
    """Give where the kernel tells of the server process of this connection, if it is here."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid(), inet_server_addr() IS NULL OR"
                       " inet_server_addr() <<= '127.0.0.0/8'")  # fmt: skip
        number, is_here = cursor.fetchone()
    found = Path(f"/proc/{number}/stat")
    return found if is_here and found.exists() and "postgres" in found.read_text() else None


def _server_s(stat: Path | None) -> float:
    """Give the processor seconds of a process (man 5 proc: fields 14 and 15, in ticks)."""
    if stat is None:
        return 0.0
    after_name = stat.read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / _TICKS_PER_S
