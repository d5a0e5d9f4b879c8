"""Supervised programs: restarted, given up on, stopped, and never left behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest

from astrid.programs import demo_programs, is_alive, refuse_taken_port
from astrid.supervisor import SupervisionError
from tests.embedded.processes import DEADLINE_S, PROJECT, alive, eventually

DRIVER = """
import signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests themselves may run under nohup
from astrid.supervised import Program
from astrid.supervisor import Patience, Supervisor
patience = Patience(ready_s=60.0, stop_s={stop_s}, first_pause_s=0.01, most_quick_deaths=3)
programs = [Program(name, (sys.executable, "-c", code)) for name, code in {programs!r}.items()]
supervisor = Supervisor(programs, patience=patience)
sys.exit(supervisor.run(on_ready=lambda: print("ready", flush=True)))
"""
SLEEP = "import time; print('awake'); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP
PARENT = (
    "import subprocess, sys; "
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
    "print('grandchild', child.pid); " + SLEEP
)


class Supervised:
    """A supervisor process, and what it writes."""

    def __init__(self, stop_s=60.0, **programs):
        self.lines = []
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-c", DRIVER.format(programs=programs, stop_s=stop_s)],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def pids(self, name, word=r"started \(process"):
        """Give the process ids that the log tells, oldest first."""
        found = (re.match(rf"{name} +\| {word} (\d+)", line) for line in list(self.lines))
        return [int(match[1]) for match in found if match]

    def wait_for(self, text, times=1):
        """Wait until a text was written."""
        eventually(lambda: sum(text in line for line in self.lines) >= times, text)

    def end(self, number=signal.SIGTERM):
        """Send a signal and give the exit status."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)

    def _read(self):
        self.lines.extend(iter(self.process.stdout.readline, ""))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join(DEADLINE_S)
        self.process.stdout.close()


def test_lines_carry_the_name_of_their_program():
    with Supervised(web=SLEEP, worker=SLEEP) as run:
        run.wait_for("web    | awake")
        run.wait_for("worker | awake")


def test_a_program_that_dies_is_started_again_and_the_others_go_on():
    with Supervised(web=SLEEP, worker=SLEEP) as run:
        run.wait_for("awake", times=2)
        (web,), (worker,) = run.pids("web"), run.pids("worker")
        os.kill(worker, signal.SIGKILL)
        run.wait_for("ended unexpectedly, killed by SIGKILL")
        eventually(lambda: len(run.pids("worker")) == 2, "a second worker")
        assert run.pids("web") == [web]
        assert alive(web)
        assert run.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_everything_and_the_status_is_good(number):
    with Supervised(web=SLEEP, worker=SLEEP) as run:
        run.wait_for("awake", times=2)
        children = run.pids("web") + run.pids("worker")
        assert run.end(number) == 0
        assert not any(map(alive, children))


def test_a_supervisor_killed_with_sigkill_leaves_no_orphan():
    with Supervised(web=SLEEP, worker=SLEEP) as run:
        run.wait_for("awake", times=2)
        children = run.pids("web") + run.pids("worker")
        assert run.end(signal.SIGKILL) == -signal.SIGKILL
        eventually(lambda: not any(map(alive, children)), "the kernel ends the children")


def test_what_a_dead_program_leaves_behind_is_ended_too():
    with Supervised(worker=PARENT) as run:
        run.wait_for("awake")
        (worker,), (grandchild,) = run.pids("worker"), run.pids("worker", "grandchild")
        os.kill(worker, signal.SIGKILL)
        eventually(lambda: not alive(grandchild), "the grandchild ends")


def test_a_program_that_dies_at_every_start_is_given_up_with_a_reason():
    with Supervised(web=SLEEP, worker="print('no coffee'); raise SystemExit(3)") as run:
        assert run.process.wait(DEADLINE_S) == 1
        run.wait_for("supervisor | worker ended 3 times in a row")
        run.wait_for("now with status 3")
        run.wait_for("worker | no coffee", times=3)
        assert not alive(run.pids("web")[0])


def test_a_program_that_does_not_stop_is_killed_and_the_status_says_so():
    with Supervised(stop_s=0.5, worker=STUBBORN) as run:
        run.wait_for("awake")
        assert run.end() == 1
        run.wait_for("worker | does not stop; killed")
        assert not alive(run.pids("worker")[0])


def test_a_second_signal_does_not_wait():
    with Supervised(stop_s=10 * DEADLINE_S, worker=STUBBORN) as run:
        run.wait_for("awake")
        run.process.send_signal(signal.SIGINT)
        run.wait_for("stopping")
        assert run.end(signal.SIGINT) == 1


def test_a_last_line_without_an_end_is_not_lost():
    with Supervised(worker="print('famous last words', end=''); raise SystemExit(1)") as run:
        run.wait_for("worker | famous last words", times=3)


def test_a_taken_port_is_refused_before_anything_starts():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(SupervisionError, match=rf"cannot serve at 127.0.0.1:{port}: Address"):
            refuse_taken_port("127.0.0.1", port)
    refuse_taken_port("127.0.0.1", port)


def test_a_port_where_nobody_listens_is_not_alive():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert not is_alive("127.0.0.1", port)


def test_the_demo_runs_web_worker_and_beat():
    programs = demo_programs(host="127.0.0.1", port=8123)
    assert [program.name for program in programs] == ["web", "worker", "beat"]
    assert "127.0.0.1:8123" in programs[0].command
