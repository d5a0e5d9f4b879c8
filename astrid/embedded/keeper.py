"""The keeper: parent of both servers, alive for as long as any client is.

Run as ``python -m astrid.embedded.keeper STATE``, it returns as soon as its child holds the
keeper's lock. That child starts the servers and stops them when the last client has let go of
its lock. A client killed with SIGKILL lets go as well, because the kernel drops its lock; and the
servers end with a keeper killed so, because the kernel signals them (:mod:`astrid.embedded.leash`).
"""

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from astrid.embedded import locks
from astrid.embedded.accounts import server_account
from astrid.embedded.binaries import find_binaries
from astrid.embedded.errors import EmbeddedError
from astrid.embedded.folders import make_folders, make_home
from astrid.embedded.places import Places
from astrid.embedded.postgres import make_postgres
from astrid.embedded.server import STOP_TIMEOUT_S, Launcher, Server
from astrid.embedded.valkey import make_valkey

POLL_S = 0.1
MOST_RESTARTS = 5


class Stopped(Exception):
    """A signal asked the keeper to stop."""


def keep(places: Places) -> None:
    """Start the servers, keep them until nobody needs them, stop them.

    Raises
    ------
    EmbeddedError
        If a server cannot be started, or ends again and again.
    """
    servers: list[Server] = []
    with locks.locked(places.servers_lock, locks.ALONE, timeout_s=STOP_TIMEOUT_S) as lock:
        try:
            launcher = _launcher(places, lock)
            _start(places, launcher, servers)
            places.ready.touch()
            _keep_until_the_last_client_has_gone(places, launcher, servers)
        finally:
            places.ready.unlink(missing_ok=True)
            _stop(servers)


def _launcher(places: Places, lock: int) -> Launcher:
    account = server_account(places.postgres)
    make_folders(places, account)
    return Launcher(account, lock)


def _start(places: Places, launcher: Launcher, servers: list[Server]) -> None:
    """Start both servers, adding each to ``servers`` at once so that it can be stopped."""
    binaries = find_binaries(places, launcher.account)
    servers.append(make_valkey(places, binaries))
    servers[-1].start(launcher)  # loads its data while PostgreSQL is prepared
    servers.append(make_postgres(places, binaries, launcher))
    servers[-1].start(launcher)
    for server in servers:
        server.wait()
        _say(f"{server.name} answers")


def _keep_until_the_last_client_has_gone(
    places: Places, launcher: Launcher, servers: list[Server]
) -> None:
    """Return holding the clients' lock, so that a new client waits for our end and starts anew."""
    restarts = 0
    while locks.try_lock(places.clients_lock, locks.ALONE) is None:
        for server in servers:
            if server.has_ended():
                restarts += 1
                _restart(server, launcher, restarts)
        time.sleep(POLL_S)
    _say("the last client has gone")


def _restart(server: Server, launcher: Launcher, restarts: int) -> None:
    if restarts > MOST_RESTARTS:
        raise EmbeddedError(f"{server.name} ended unexpectedly for the {restarts}th time")
    _say(f"{server.name} ended unexpectedly; starting it again")
    server.start(launcher)
    server.wait()


def _stop(servers: list[Server]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # stopping already
    for server in servers:
        server.stop()
    for server in servers:
        server.reap()
        _say(f"{server.name} stopped")


def _say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} keeper {os.getpid()}: {text}\n")
    sys.stderr.flush()


def _stop_on_signal(number: int, _frame: FrameType | None) -> None:
    raise Stopped(signal.Signals(number).name)


def _go_to_the_background() -> None:
    """Return in a child that no terminal and no client can take along; end the parent."""
    if os.fork() != 0:
        os._exit(0)
    os.setsid()
    os.chdir("/")


def _run(places: Places) -> int:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop_on_signal)
    try:
        keep(places)
    except Stopped as stop:
        _say(f"stopped by {stop}")
    except (EmbeddedError, OSError) as error:
        _say(str(error))
        places.failure.write_text(str(error))
        return 1
    return 0


def main() -> int:
    """Take the keeper's lock, go to the background, keep."""
    places = Places(Path(sys.argv[1]))
    os.umask(0o077)
    make_home(places)
    lock = locks.try_lock(places.keeper_lock, locks.ALONE)
    if lock is None:
        _say(f"another keeper is at work in {places.home}")
        return 1
    places.ready.unlink(missing_ok=True)
    places.failure.unlink(missing_ok=True)
    _go_to_the_background()
    return _run(places)


if __name__ == "__main__":
    sys.exit(main())
