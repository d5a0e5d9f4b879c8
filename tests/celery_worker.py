"""Real Celery processes on the test database, and a broker database of their own."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import redis
from django.conf import settings
from django.db import connection
from kombu import pools

from astrid.celery import app
from astrid.embedded.leash import leash

PROJECT = Path(__file__).resolve().parent.parent
DEADLINE_S = 600.0  # generous: nothing here is about speed
DATABASES = range(15, 0, -1)  # what Redis has unless it is configured otherwise
DEAD_BROKER = "redis://127.0.0.1:1/0"  # nothing listens at port 1
CLAIM = "taken by a test"


def eventually(condition, what, *, meanwhile=lambda: None):
    """Wait until ``condition()`` is true and give its value; ``meanwhile`` runs in between."""
    deadline = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not in {DEADLINE_S:.0f} s: {what}"
        meanwhile()
        time.sleep(0.1)
    return value


def database_url():
    """Give the address of the test database."""
    row = connection.settings_dict
    host = quote(row["HOST"]) + (f":{row['PORT']}" if row["PORT"] else "")
    user = f"{quote(row['USER'])}:{quote(row['PASSWORD'])}"
    options = {key: value for key, value in row["OPTIONS"].items() if isinstance(value, str)}
    return f"postgres://{user}@{host}/{row['NAME']}?{urlencode(options)}"


class Broker:
    """One numbered database of the broker, which belongs to the tests alone."""

    def __init__(self, url, client):
        self.url = url
        self.client = client

    def forget(self):
        """Lose every message."""
        self.client.flushdb()

    def is_empty(self):
        """Tell whether no message waits and none is being worked on."""
        return not self.client.llen("celery") and not self.client.hlen("unacked")


@contextmanager
def own_broker():
    """Claim an empty database of the configured broker, and let this process's hints go there."""
    configured = settings.CELERY_BROKER_URL
    for number in DATABASES:
        client = redis.Redis.from_url(redis_database(configured, number))
        # Another run of the tests may look for one at the same moment.
        if client.dbsize() == 0 and client.set(CLAIM, os.getpid(), nx=True):
            break
        client.close()
    else:
        raise RuntimeError(f"no empty database left at {configured}; empty one of {DATABASES}")
    with ExitStack() as stack:
        stack.callback(client.close)
        stack.callback(client.flushdb)
        broker = Broker(_kombu_url(configured, number), client)
        stack.enter_context(hints_to(broker.url))
        yield broker


@contextmanager
def hints_to(url):
    """Let the messages of this process go to another broker."""
    before = app.conf.broker_url
    _use(url)
    try:
        yield
    finally:
        _use(before)


def _use(url):
    pools.reset()
    app.conf.broker_url = url
    # What celery.app.base does in a forked process: connections are made anew.
    app._pool = None
    app.amqp._producer_pool = None


def redis_database(url, number):
    """Give the address, for a client of Redis, of a database on the server that ``url`` names."""
    parts = urlsplit(url)
    if parts.scheme in ("redis+socket", "unix"):
        return f"unix://{parts.path}?db={number}"
    return urlunsplit(parts._replace(path=f"/{number}"))


def _kombu_url(url, number):
    parts = urlsplit(url)
    if parts.scheme == "redis+socket":
        query = dict(parse_qsl(parts.query)) | {"virtual_host": number}
        return f"{parts.scheme}://{parts.path}?{urlencode(query)}"
    return urlunsplit(parts._replace(path=f"/{number}"))


def celery(*command):
    """Give the command line of a Celery program."""
    return [sys.executable, "-m", "celery", "-A", "astrid", *command]


def environment(broker):
    """Give the environment in which a program works on what the tests work on."""
    return os.environ | {
        "DATABASE_URL": database_url(),
        "BROKER_URL": broker.url,
        "STORAGE_URL": f"file://{settings.STORAGES['products']['OPTIONS']['location']}",
        "S3_BUCKET": "",
        "PYTHONUNBUFFERED": "1",
    }


class Program:
    """A ``celery`` process and its children; ends with this process at the latest."""

    def __init__(self, folder, broker, *command):
        self.out, self.err = folder / f"{command[0]}.out", folder / f"{command[0]}.err"
        with self.out.open("ab") as out, self.err.open("ab") as err:
            self.process = subprocess.Popen(  # noqa: S603 - our own program
                leash(celery(*command), signal.SIGQUIT),
                cwd=PROJECT,
                env=environment(broker),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                process_group=0,
            )

    def children(self):
        """Give the process ids of the children."""
        pid = self.process.pid
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def kill(self):
        """End everything as kill -9 or a power cut does."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Ask it to end, and see to it that it does."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=20)
        self.kill()


class Worker(Program):
    """A worker with two processes."""

    def __init__(self, folder, broker, name):
        self.name = f"{name}@test"
        options = ("--concurrency", "2", "--pool", "prefork", "--loglevel", "INFO")
        super().__init__(folder, broker, "worker", "--hostname", self.name, *options)

    def asked(self, question):
        """Give the worker's answer to ``celery inspect``; None while it is not up."""
        answers = app.control.inspect([self.name], timeout=1.0)._request(question)
        return answers and answers.get(self.name)


class Crew:
    """Workers that stay between tests, and come back when a test killed them."""

    def __init__(self, folder, broker):
        self._folder = folder
        self._broker = broker
        self._workers = []
        self._started = 0

    def at_work(self, number=1):
        """Give that many workers, up and listening; no more are there then."""
        self._workers = self._alive()
        while len(self._workers) > number:
            self._workers.pop().stop()
        while len(self._workers) < number:
            self._started += 1
            self._workers.append(Worker(self._folder, self._broker, f"crew{self._started}"))
        for worker in self._workers:
            eventually(lambda one=worker: one.asked("ping"), f"{worker.name} answers")
        return self._workers

    def _alive(self):
        return [one for one in self._workers if one.process.poll() is None]

    def are_up(self):
        """Tell whether there is a worker."""
        return bool(self._alive())

    def stop(self):
        """End all of them."""
        for worker in self._workers:
            worker.stop()

    def output(self):
        """Give what the workers wrote: standard output, standard error."""
        out, err = self._folder / "worker.out", self._folder / "worker.err"
        return out.read_text(), err.read_text()
