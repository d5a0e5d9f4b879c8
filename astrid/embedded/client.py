"""The client's side: hold the servers while something needs them."""

import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from astrid.embedded import locks
from astrid.embedded.accounts import server_account
from astrid.embedded.errors import EmbeddedError
from astrid.embedded.folders import make_home, make_logs, refuse_closed
from astrid.embedded.places import PROJECT, Places, state_folder
from astrid.embedded.server import START_TIMEOUT_S, STOP_TIMEOUT_S, tail

# The variables that name a server, and the embedded server that stands in for an absent one.
STAND_INS = {"DATABASE_URL": "postgres", "BROKER_URL": "valkey", "CACHE_URL": "valkey"}
ALL = frozenset(STAND_INS.values())
LOG_LIMIT_BYTES = 5_000_000
POLL_S = 0.01
_held = ExitStack()


def unset_services(environment: Mapping[str, str]) -> frozenset[str]:
    """Give the embedded services that stand in for addresses absent from ``environment``."""
    return frozenset(service for name, service in STAND_INS.items() if not environment.get(name))


@contextmanager
def services(
    needs: Collection[str] = ALL, *, state: Path | None = None
) -> Iterator[tuple[int, ...]]:
    """Make sure that both servers run while the block runs.

    They are shared by every process that asks for the same state folder, and stop when the last
    of them has left, however it ended. Without needs nothing happens.

    Parameters
    ----------
    needs : collection of str
        What :func:`unset_services` gives. The servers come together, so only empty differs.
    state : Path, optional
        State folder, :func:`state_folder` unless given.

    Yields
    ------
    tuple of int
        Descriptors that hold the servers for as long as any process has them open: a child that
        inherits them (``pass_fds``) keeps the servers even after this process.

    Raises
    ------
    EmbeddedError
        If they cannot run; the text says why and what to do.
    """
    if not needs:
        yield ()
        return
    places = Places(state or state_folder())
    _check_system()
    make_home(places)
    patience = START_TIMEOUT_S + STOP_TIMEOUT_S
    with locks.locked(places.clients_lock, locks.SHARED, timeout_s=patience) as held:
        with locks.locked(places.start_lock, locks.ALONE, timeout_s=patience):
            if locks.is_free(places.keeper_lock):
                if state is None:
                    _say_where(places)
                _start_keeper(places)
            _wait_until_ready(places)
        yield (held,)


def hold(needs: Collection[str] = ALL) -> None:
    """Make sure that both servers run until this process ends (for programs without a main)."""
    _held.enter_context(services(needs))


def _check_system() -> None:
    if sys.platform != "linux":
        raise EmbeddedError(
            f"the embedded services need Linux, this is {sys.platform}: "
            "set DATABASE_URL, BROKER_URL and CACHE_URL to servers of your own"
        )


def _start_keeper(places: Places) -> None:
    refuse_closed(places, server_account(places.postgres))
    make_logs(places)
    _turn_logs_over(places)
    log = places.logs / "keeper.log"
    command = [sys.executable, "-m", "astrid.embedded.keeper", str(places.state)]
    with log.open("ab") as output:
        result = subprocess.run(  # noqa: S603 - our own module, no shell
            command,
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    if result.returncode != 0:
        raise EmbeddedError(f"the keeper of the embedded services did not start:\n{tail(log)}")


def _wait_until_ready(places: Places) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not places.ready.exists():
        if locks.is_free(places.keeper_lock):
            raise EmbeddedError(_why_it_failed(places))
        if time.monotonic() > deadline:
            raise EmbeddedError(
                f"the embedded services are not ready after {START_TIMEOUT_S:.0f} s; "
                f"their logs are in {places.logs}"
            )
        time.sleep(POLL_S)


def _why_it_failed(places: Places) -> str:
    if places.failure.exists():
        return places.failure.read_text()
    return f"the keeper of the embedded services died:\n{tail(places.logs / 'keeper.log')}"


def _say_where(places: Places) -> None:
    """Say that the default place was no good; once, when the servers are started."""
    usual = PROJECT / "var"
    if not os.environ.get("ASTRID_STATE") and places.state != usual.resolve():
        sys.stderr.write(
            f"The state folder is {places.state}: run by root, the servers use an unprivileged "
            f"account, which cannot enter {usual}.\n"
        )


def _turn_logs_over(places: Places) -> None:
    for log in places.logs.glob("*.log"):
        if log.stat().st_size > LOG_LIMIT_BYTES:
            log.replace(log.with_suffix(".log.1"))
