"""The embedded PostgreSQL: its cluster, its settings, its database."""

import shutil
import signal
from pathlib import Path

from astrid.embedded.binaries import Binaries, postgres_major
from astrid.embedded.errors import EmbeddedError
from astrid.embedded.places import DATABASE, POSTGRES_SOCKET, Places
from astrid.embedded.server import Launcher, Server, tail
from astrid.embedded.wire import UNKNOWN_DATABASE, PostgresRefused, ask_postgres

# For one machine and a handful of local processes; everything that keeps data safe stays on.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "jit": "off",  # compiling costs more than it saves on short queries
    "random_page_cost": "1.1",  # a local solid-state disk
    "timezone": "UTC",
    "log_timezone": "UTC",
}
INITDB_OPTIONS = (
    "--username=postgres",
    # The socket lies in a folder that only the servers' account can enter.
    "--auth=trust",
    "--encoding=UTF8",
    # Sorted by code point on every machine, and upper and lower case known beyond ASCII.
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
)


def make_postgres(places: Places, binaries: Binaries, launcher: Launcher) -> Server:
    """Give the server, its cluster made if there is none yet.

    Raises
    ------
    EmbeddedError
        If the cluster cannot be made or belongs to another major version.
    """
    data = places.postgres / "data"
    log = places.logs / "postgres.log"
    if not data.is_dir():
        _make_cluster(data, log, binaries, launcher)
    _check_version(data, binaries)
    _forget_stale(data / "postmaster.pid")
    _forget_stale(places.sockets / f"{POSTGRES_SOCKET}.lock")
    options = [f"--{name}={value}" for name, value in SETTINGS.items()]
    command = [str(binaries.postgres), "-D", str(data), "-p", "5432", "-k", str(places.sockets)]
    socket = places.sockets / POSTGRES_SOCKET
    # SIGINT is PostgreSQL's fast shutdown: sessions end, everything is written.
    return Server("PostgreSQL", command + options, log, signal.SIGINT, lambda: _answers(socket))


def _make_cluster(data: Path, log: Path, binaries: Binaries, launcher: Launcher) -> None:
    """Run initdb beside its final place, so that a cluster is there whole or not at all."""
    partial = data.with_name("data.partial")
    shutil.rmtree(partial, ignore_errors=True)
    command = [str(binaries.initdb), "-D", str(partial), *INITDB_OPTIONS]
    process = launcher.start(command, log, signal.SIGTERM)
    if process.wait() != 0:
        raise EmbeddedError(f"PostgreSQL's initdb failed:\n{tail(log)}")
    partial.rename(data)


def _check_version(data: Path, binaries: Binaries) -> None:
    written, here = (data / "PG_VERSION").read_text().strip(), postgres_major(binaries)
    if written != here:
        raise EmbeddedError(
            f"the database in {data} was written by PostgreSQL {written}, this environment has "
            f"{here}: dump it with pg_dump in the old environment and load it into a new state "
            "folder"
        )


def _forget_stale(pid_file: Path) -> None:
    """Remove the pid file of a server that is gone.

    We hold the lock that every server process inherits, so none of ours is alive. Yet PostgreSQL
    would refuse to start where the number belongs to another process of the same account by now
    (after a reboot, in a new container) or to a dead one that nobody has collected. Only a live
    process that is called postgres is left for it to judge.
    """
    if not pid_file.exists():
        return
    pid = pid_file.read_text().split("\n", 1)[0].strip()
    command = Path("/proc") / pid / "cmdline"  # empty for a process that is dead
    if not (command.exists() and b"postgres" in command.read_bytes()):
        pid_file.unlink()


def _answers(socket: Path) -> bool:
    try:
        ask_postgres(socket, DATABASE)
    except PostgresRefused as refusal:
        if refusal.code != UNKNOWN_DATABASE:
            raise
        ask_postgres(socket, "postgres", f"CREATE DATABASE {DATABASE}")
    return True
