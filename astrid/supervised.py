"""A program under supervision and its process."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from astrid.embedded.leash import leash

PROJECT = Path(__file__).resolve().parent.parent
CHUNK_BYTES = 65536


@dataclass(frozen=True)
class Program:
    """A command to keep running.

    ``orphan_signal`` is what the kernel sends it when the supervisor dies: one that makes it end
    at once, with its own children.
    """

    name: str
    command: tuple[str, ...]
    orphan_signal: signal.Signals = signal.SIGTERM


@dataclass
class Running:
    """A program's process; ``output`` is the descriptor that its lines come from."""

    program: Program
    process: subprocess.Popen[bytes]
    output: int
    started_at: float
    is_at_end: bool = False
    unfinished: bytes = field(default=b"", repr=False)

    @classmethod
    def start(cls, program: Program, kept_open: tuple[int, ...]) -> "Running":
        """Start a program in a process group of its own, bound to the life of this thread.

        In a group of its own it does not hear Ctrl-C, which the supervisor alone acts upon.
        """
        output, written = os.pipe()
        os.set_blocking(output, False)
        try:
            process = subprocess.Popen(  # noqa: S603 - our own commands, no shell
                leash(list(program.command), program.orphan_signal),
                cwd=PROJECT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},  # lines come when they are written
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                pass_fds=kept_open,
                process_group=0,
            )
        except OSError:
            os.close(output)
            raise
        finally:
            os.close(written)
        return cls(program, process, output, time.monotonic())

    @property
    def name(self) -> str:
        """Name of the program."""
        return self.program.name

    @property
    def age_s(self) -> float:
        """How long ago the process was started."""
        return time.monotonic() - self.started_at

    def has_ended(self) -> bool:
        """Tell whether the process is no more."""
        return self.process.poll() is not None

    def end(self) -> str:
        """Tell how the process ended, in words."""
        status = self.process.returncode
        return (
            f"killed by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
        )

    def read_lines(self) -> list[str]:
        """Give the whole lines in what can be read at once, without waiting."""
        *lines, self.unfinished = (self.unfinished + self._read()).split(b"\n")
        return [line.decode(errors="replace") for line in lines]

    def read_last_lines(self) -> list[str]:
        """Give all that the process has left behind, the last line even if it has no end."""
        while chunk := self._read():
            self.unfinished += chunk
        return [line.decode(errors="replace") for line in self.unfinished.splitlines()]

    def _read(self) -> bytes:
        try:
            chunk = os.read(self.output, CHUNK_BYTES)
        except BlockingIOError:
            return b""
        self.is_at_end = not chunk
        return chunk

    def kill(self) -> None:
        """Kill what is left of the process and of its own children."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()  # should it have left its group
        self.process.wait()
