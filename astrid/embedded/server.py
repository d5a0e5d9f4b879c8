"""A server process: started bound to the keeper's life, asked whether it answers, stopped."""

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from astrid.embedded.accounts import Account, own_account
from astrid.embedded.errors import EmbeddedError
from astrid.embedded.leash import leash
from astrid.embedded.wire import PostgresRefused

START_TIMEOUT_S = 120.0  # initdb takes 1 s; a database that crashed may have a while to replay
STOP_TIMEOUT_S = 60.0
POLL_S = 0.01
TAIL_LINES = 12
# A fixed environment: the user's PGDATA, PGPORT or LC_ALL must not reach the servers.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True)
class Launcher:
    """Starts programs as ``account``; they inherit the descriptor ``kept_open`` (a lock)."""

    account: Account
    kept_open: int

    def start(self, command: list[str], log: Path, end: signal.Signals) -> subprocess.Popen[bytes]:
        """Start a program that receives ``end`` when this process dies."""
        account = self.account
        who = () if account == own_account() else (account.uid, account.gid, *account.groups)
        with log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - our own programs, no shell
                leash(command, end, who),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=ENVIRONMENT,
                cwd="/",
                pass_fds=(self.kept_open,),
            )


@dataclass
class Server:
    """One server: its command line, how it is asked, and the signal that ends it cleanly."""

    name: str
    command: list[str]
    log: Path
    stop_signal: signal.Signals
    answers: Callable[[], bool]
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self, launcher: Launcher) -> None:
        """Start the process; :meth:`wait` tells when it answers."""
        self.process = launcher.start(self.command, self.log, self.stop_signal)

    def wait(self) -> None:
        """Wait until the server answers.

        Raises
        ------
        EmbeddedError
            If it ends or does not answer in time, with the end of its log.
        """
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._answered():
            if self.has_ended():
                raise EmbeddedError(f"{self.name} ended while starting:\n{tail(self.log)}")
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"{self.name} does not answer after {START_TIMEOUT_S:.0f} s:\n{tail(self.log)}"
                )
            time.sleep(POLL_S)

    def has_ended(self) -> bool:
        """Tell whether there is no process."""
        return self.process is None or self.process.poll() is not None

    def stop(self) -> None:
        """Ask the process to end; :meth:`reap` waits for it."""
        if self.process is not None and not self.has_ended():
            self.process.send_signal(self.stop_signal)

    def reap(self) -> None:
        """Wait for the end; a server that takes too long is killed, which its data survive."""
        if self.process is None:
            return
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _answered(self) -> bool:
        try:
            return self.answers()
        except (OSError, PostgresRefused):
            return False


def tail(log: Path) -> str:
    """Give the last lines of a log, indented."""
    lines = log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
    return "\n".join(f"    {line}" for line in lines) or "    (its log is empty)"
