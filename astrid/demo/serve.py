"""Web, worker and beat, under one supervisor."""

import sys
import urllib.error
import urllib.request
from collections.abc import Callable

from astrid.supervisor import Program, Supervisor


def programs(port: int) -> list[Program]:
    """Give the commands of the three processes; the README starts the same ones by hand."""
    celery = (sys.executable, "-m", "celery", "-A", "astrid")
    gunicorn = (sys.executable, "-m", "gunicorn", "astrid.wsgi", "--bind", f"127.0.0.1:{port}")
    return [
        Program(
            "web",
            (*gunicorn, "--workers", "1", "--threads", "8", "--timeout", "120"),
        ),
        Program("worker", (*celery, "worker", "--concurrency", "1", "--loglevel", "INFO")),
        Program("beat", (*celery, "beat", "--loglevel", "INFO")),
    ]


def serve(port: int, on_ready: Callable[[], None]) -> int:
    """Run the three until interrupted; give the exit status."""
    return Supervisor(programs(port)).run(is_ready=lambda: is_live(port), on_ready=on_ready)


def is_live(port: int) -> bool:
    """Ask the web server whether it is there."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
