"""The processes of a whole installation on one machine: web, worker and beat."""

import signal
import socket
import sys
from http.client import HTTPConnection, HTTPException

from astrid.supervised import Program
from astrid.supervisor import SupervisionError

HEALTH_PATH = "/health/live"
HEALTHY = 200
HEALTH_TIMEOUT_S = 2.0


def demo_programs(*, host: str, port: int, concurrency: int = 2) -> tuple[Program, ...]:
    """Give the programs: gunicorn, a Celery worker with ``concurrency`` processes, Celery beat."""
    # Four threads for pages, and eight that listen to events (LIVE_STREAMS).
    # gunicorn's control socket would lie in the user's home, one for all installations.
    listen = ("--bind", f"{host}:{port}", "--threads", "12", "--no-control-socket")
    web = ("gunicorn", "astrid.wsgi", *listen)
    worker = ("worker", "--concurrency", str(concurrency), "--loglevel", "INFO")
    beat = ("beat", "--scheduler", "django_celery_beat.schedulers:DatabaseScheduler")
    celery = ("celery", "-A", "astrid")
    # SIGQUIT ends gunicorn and a worker at once, with their own children; SIGTERM would let
    # requests and tasks finish first.
    return (
        Program("web", (sys.executable, "-m", *web), signal.SIGQUIT),
        Program("worker", (sys.executable, "-m", *celery, *worker), signal.SIGQUIT),
        Program("beat", (sys.executable, "-m", *celery, *beat)),
    )


def refuse_taken_port(host: str, port: int) -> None:
    """Check that a web server can listen here.

    Raises
    ------
    SupervisionError
        If something else does, or we may not.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SupervisionError(
                f"cannot serve at {host}:{port}: {error.strerror}; choose another port (PORT=...)"
            ) from error


def is_alive(host: str, port: int) -> bool:
    """Tell whether the web server answers at /health/live."""
    connection = HTTPConnection(host, port, timeout=HEALTH_TIMEOUT_S)
    try:
        connection.request("GET", HEALTH_PATH)
        return connection.getresponse().status == HEALTHY
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
