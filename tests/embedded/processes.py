"""Real processes for the tests: clients of the servers, and a look at what is alive."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
DEADLINE_S = 240.0  # generous: nothing here is about speed
CLIENT = """
import sys
from pathlib import Path
from astrid import embedded
try:
    with embedded.services(state=Path(sys.argv[1])):
        print("up", flush=True)
        sys.stdin.readline()
except embedded.EmbeddedError as error:
    print(error, flush=True)
"""


def eventually(condition, what):
    """Wait until ``condition()`` is true and give its value."""
    deadline = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not in {DEADLINE_S:.0f} s: {what}"
        time.sleep(0.02)
    return value


class Client:
    """A process inside ``services()``."""

    def __init__(self, state, *, python=sys.executable, environment=None, **popen):
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [python, "-c", CLIENT, str(state)],
            cwd=PROJECT,
            env={**os.environ, "PYTHONPATH": str(PROJECT), **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **popen,
        )

    def said(self):
        """Wait for what the client says: "up", or why not."""
        return self.process.stdout.readline().strip()

    def leave(self):
        """Let the block end and give all that was said besides."""
        return self.process.communicate("\n", timeout=DEADLINE_S)[0]

    def kill(self):
        """End the client as kill -9 does."""
        self.process.kill()
        self.process.communicate()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def keepers(state):
    """Give the process ids of the keepers of a state folder."""
    return [
        pid
        for pid, words in _commands()
        if "astrid.embedded.keeper" in words and words[-1] == str(state)
    ]


def servers(state):
    """Give the process ids of every PostgreSQL and Valkey process of a state folder."""
    return [pid for pid, words in _commands() if _is_server(pid, words, str(state))]


def everything(state):
    """Give the process ids of keepers and servers."""
    return keepers(state) + servers(state)


def postmaster(state):
    """Give the process id of PostgreSQL's parent process."""
    return int((state / "services/postgres/data/postmaster.pid").read_text().splitlines()[0])


def alive(pid):
    """Tell whether a process runs (a zombie does not)."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"


def clean_up(state):
    """End what a failed test may have left behind."""
    for pid in everything(state):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    eventually(lambda: not everything(state), "what was left behind ends")


def _commands():
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if words:
                yield int(entry.name), words


def _is_server(pid, words, state):
    """Backends of PostgreSQL show no path in their title, but work in the data folder."""
    title = " ".join(words)
    if "astrid.embedded.keeper" in title or "import embedded" in title:
        return False
    try:
        folder = str(Path(f"/proc/{pid}/cwd").readlink())
    except (OSError, ProcessLookupError):
        return False
    is_ours = state in title or folder.startswith(f"{state}/services/")
    return is_ours and any(name in title for name in ("postgres", "valkey", "initdb"))
