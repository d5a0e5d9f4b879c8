"""Child processes under supervision: started, watched, restarted, stopped, never orphaned.

Everything happens in one thread: the kernel binds a child to the thread that started it
(:mod:`astrid.embedded.leash`), so that even a supervisor killed with SIGKILL leaves nothing behind.
"""

import os
import selectors
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from astrid.supervised import Program, Running

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
POLL_S = 0.1
ASK_S = 0.25  # between two questions whether all is well, which may cause log lines


class SupervisionError(RuntimeError):
    """The programs cannot be kept running; the text says which and why."""


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds, and how often to try again."""

    ready_s: float = 120.0
    stop_s: float = 30.0
    # A process that lives shorter than this has failed to start.
    quick_death_s: float = 10.0
    most_quick_deaths: int = 5
    first_pause_s: float = 0.5


class Supervisor:
    """Keeps programs running until it is asked to stop.

    Parameters
    ----------
    programs : sequence of Program
        What to run, in this order.
    kept_open : tuple of int
        Descriptors that the processes inherit (what ``embedded.services`` yields).
    patience : Patience, optional
        Waiting times.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        kept_open: tuple[int, ...] = (),
        patience: Patience = Patience(),
    ) -> None:
        self._programs = {program.name: program for program in programs}
        self._kept_open = kept_open
        self._patience = patience
        self._running: dict[str, Running] = {}
        self._starts_at: dict[str, float] = dict.fromkeys(self._programs, 0.0)
        self._quick_deaths: Counter[str] = Counter()
        self._selector = selectors.DefaultSelector()
        self._stops_asked = 0
        self._width = max(map(len, self._programs), default=0)

    def run(
        self,
        *,
        is_ready: Callable[[], bool] | None = None,
        on_ready: Callable[[], None] | None = None,
    ) -> int:
        """Run everything until SIGTERM, SIGINT or SIGHUP; must be called in the main thread.

        A second signal kills what is still stopping.

        Parameters
        ----------
        is_ready : callable, optional
            Tells whether all is well; asked until it gives True.
        on_ready : callable, optional
            Called once then.

        Returns
        -------
        int
            Exit status: 0 if all ran until we were asked to stop and then stopped by themselves.
        """
        is_well = False
        with self._signals_noted():
            try:
                self._wait_until(is_ready or (lambda: True))
                if on_ready and not self._stops_asked:
                    on_ready()
                while not self._stops_asked:
                    self._turn()
                is_well = True
            except SupervisionError as error:
                self._say("supervisor", str(error))
            finally:
                is_clean = self._stop()
        return 0 if is_well and is_clean else 1

    def _wait_until(self, is_ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + self._patience.ready_s
        self._turn()
        while not self._stops_asked and not is_ready():
            if time.monotonic() > deadline:
                raise SupervisionError(
                    f"not ready after {self._patience.ready_s:g} s; the lines above say why"
                )
            self._turn_for(ASK_S)

    def _turn_for(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self._stops_asked:
            self._turn()

    def _turn(self) -> None:
        """Start what is due, forward what was written, notice who died."""
        now = time.monotonic()
        for name, due in list(self._starts_at.items()):
            if due <= now:
                del self._starts_at[name]
                self._start(self._programs[name])
        self._forward()
        for running in self._ended():
            self._bury(running)
            self._plan_restart(running)

    def _start(self, program: Program) -> None:
        running = Running.start(program, self._kept_open)
        self._running[program.name] = running
        self._selector.register(running.output, selectors.EVENT_READ, running)
        self._say(program.name, f"started (process {running.process.pid})")

    def _ended(self) -> list[Running]:
        return [running for running in self._running.values() if running.has_ended()]

    def _plan_restart(self, dead: Running) -> None:
        is_quick = dead.age_s < self._patience.quick_death_s
        deaths = self._quick_deaths[dead.name] + 1 if is_quick else 0
        if deaths >= self._patience.most_quick_deaths:
            raise SupervisionError(
                f"{dead.name} ended {deaths} times in a row within "
                f"{self._patience.quick_death_s:g} s of its start, now {dead.end()}; its last "
                "lines are above"
            )
        self._quick_deaths[dead.name] = deaths
        pause = self._patience.first_pause_s * 2**deaths
        self._say(dead.name, f"ended unexpectedly, {dead.end()}; starting it again in {pause:g} s")
        self._starts_at[dead.name] = time.monotonic() + pause

    def _bury(self, dead: Running) -> None:
        """Take leave of an ended process: any child that it left behind, and its last lines."""
        dead.kill()
        for line in dead.read_last_lines():
            self._say(dead.name, line)
        self._deafen(dead)
        os.close(dead.output)
        del self._running[dead.name]

    def _stop(self) -> bool:
        """Stop everything; False if something had to be killed."""
        asked, deadline = self._stops_asked, time.monotonic() + self._patience.stop_s
        for running in self._running.values():
            self._say(running.name, "stopping")
            running.process.terminate()
        is_clean = True
        while self._running:
            self._forward()
            if time.monotonic() > deadline or self._stops_asked > asked:
                is_clean = not self._kill_all() and is_clean
            for running in self._ended():
                self._bury(running)
        self._selector.close()
        return is_clean

    def _kill_all(self) -> int:
        """Kill who still lives and give how many that were."""
        alive = [running for running in self._running.values() if not running.has_ended()]
        for running in alive:
            self._say(running.name, "does not stop; killed")
            running.kill()
        return len(alive)

    def _forward(self) -> None:
        """Forward what the processes have written, waiting a moment for it."""
        for key, _events in self._selector.select(POLL_S):
            running: Running = key.data
            for line in running.read_lines():
                self._say(running.name, line)
            if running.is_at_end:
                self._deafen(running)

    def _deafen(self, running: Running) -> None:
        if running.output in self._selector.get_map():
            self._selector.unregister(running.output)

    def _say(self, name: str, text: str) -> None:
        try:
            sys.stderr.write(f"{name:<{self._width}} | {text}\n")
            sys.stderr.flush()
        except OSError:  # the terminal has gone, and with it whoever wanted this to run
            self._stops_asked = max(self._stops_asked, 1)

    @contextmanager
    def _signals_noted(self) -> Iterator[None]:
        # nohup ignores SIGHUP on purpose; shells ignore SIGINT for whatever runs in the background,
        # which would leave us deaf to being asked to stop.
        is_kept = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        noted = [each for each in STOP_SIGNALS if not (is_kept and each == signal.SIGHUP)]
        before = {number: signal.signal(number, self._note_stop) for number in noted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stops_asked += 1
