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
    own_s: float = 0.0  # of this process alone
    cpu_s: float | None = None

    @property
    def seconds(self) -> float:
        """Processor seconds where they are known: other work does not change them."""
        return self.wall_s if self.cpu_s is None else self.cpu_s


@dataclass(frozen=True)
class Server:
    """The server process of this connection, where the kernel tells of it."""

    folder: Path | None

    @classmethod
    def found(cls) -> "Server":
        """Find it, if it is on this machine."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid(), inet_server_addr() IS NULL OR"
                           " inet_server_addr() <<= '127.0.0.0/8'")  # fmt: skip
            number, is_here = cursor.fetchone()
        folder = Path(f"/proc/{number}")
        stat = folder / "stat"
        is_seen = is_here and stat.exists() and "postgres" in stat.read_text()
        return cls(folder if is_seen else None)

    def seconds(self) -> float:
        """Give its processor seconds, as finely as this kernel counts them; 0 if it is not here."""
        if self.folder is None:
            return 0.0
        fine = self.folder / "schedstat"  # nanoseconds first, where the kernel keeps them
        if fine.exists():
            return int(fine.read_text().split()[0]) / 1e9
        # man 5 proc: fields 14 and 15, in ticks
        after_name = (self.folder / "stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / _TICKS_PER_S


@contextmanager
def spending(server: Server | None = None) -> Iterator[Spent]:
    """Measure the block; the server process is looked for unless it is given."""
    spent = Spent()
    server = server or Server.found()
    # To ask for the server's seconds takes this process some, which are not the block's.
    other = server.seconds()
    wall, own = time.perf_counter(), time.process_time()
    yield spent
    spent.wall_s, spent.own_s = time.perf_counter() - wall, time.process_time() - own
    if server.folder is not None:
        spent.cpu_s = spent.own_s + server.seconds() - other
