"""Verdicts from several clients while the server is killed: all must be there, each once."""

import argparse
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import requests
from django.db import connection

from astrid.core.console import show, stderr, table
from benchmarks import waiting

HELP = "Give verdicts from several clients at once while the server is killed in between."
PROJECT = Path(__file__).resolve().parent.parent
BATCH, LEASED = 20, 50
REPLAYED = 0.1  # of the batches are sent once more after they were answered
REAL = 0.1  # of the verdicts
DEADLINE_S = 3600.0
PATIENCE_S = 60.0  # for a server to answer after its start


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how much, by how many, and how often the server dies."""
    parser.add_argument("--verdicts", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)


@dataclass
class Server:
    """Gunicorn on one port, which may be killed and started again."""

    port: int
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it with two workers, in a process group of its own."""
        command = [
            sys.executable, "-m", "gunicorn", "astrid.wsgi", "--workers", "2", "--threads", "4",
            "--bind", f"127.0.0.1:{self.port}", "--log-level", "warning",
        ]  # fmt: skip
        self.process = subprocess.Popen(  # noqa: S603 -- our own program
            command, cwd=PROJECT, env=os.environ | self.environment, start_new_session=True
        )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                requests.get(f"{self.address}/health/live", timeout=5)
            except requests.RequestException:
                time.sleep(0.1)
            else:
                return
        raise TimeoutError(f"{self.address} did not answer within {PATIENCE_S:.0f} s")

    def kill(self) -> None:
        """Kill it with all its workers, in the middle of whatever they do."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@dataclass
class Client:
    """One person's page: leases items, judges them, and sends until it is acknowledged."""

    address: str
    cookies: dict[str, str]
    random: random.Random
    sent: set[str] = field(default_factory=set)
    refused: list[dict[str, Any]] = field(default_factory=list)
    failures: int = 0  # requests that no answer came to

    def work(self, note: Callable[[int], None]) -> None:
        """Judge until nothing waits; tells ``note`` how many verdicts were acknowledged."""
        idle = 0
        while idle < 3:
            items = self.post("queues/all/lease/", {"n": LEASED})["items"]
            events = [self.verdict(item) for item in items]
            for start in range(0, len(events), BATCH):
                batch = events[start : start + BATCH]
                self.send(batch)
                if self.random.random() < REPLAYED:
                    self.send(batch)
                note(len(batch))
            idle = 0 if items else idle + 1
            if not items:
                time.sleep(0.2)

    def verdict(self, item: dict[str, Any]) -> dict[str, Any]:
        """Judge one item as a page does."""
        is_real = self.random.random() < REAL
        return {
            "uuid": str(uuid.UUID(int=self.random.getrandbits(128), version=4)),
            "detection": item["detection"],
            "verdict": "real" if is_real else "bogus",
            "label": "supernova" if is_real else "dipole",
            "ms_spent": 900,
            "queue": "all",
        }

    def send(self, events: list[dict[str, Any]]) -> None:
        """Send a batch until it is acknowledged."""
        results = self.post("verdicts/", {"events": events})["results"]
        self.refused += [each for each in results if each["status"] == "refused"]
        self.sent |= {each["uuid"] for each in results if each["status"] != "refused"}

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Post until an answer comes: the server may be dead just now."""
        deadline = time.monotonic() + DEADLINE_S
        headers = {"X-CSRFToken": self.cookies["csrftoken"]}
        while time.monotonic() < deadline:
            try:
                answer = requests.post(
                    f"{self.address}/console/{path}",
                    json=body, cookies=self.cookies, headers=headers, timeout=60,
                )  # fmt: skip
            except requests.RequestException:
                answer = None
            if answer is not None and answer.status_code == requests.codes.ok:
                found: dict[str, Any] = answer.json()
                return found
            if answer is not None and answer.status_code < requests.codes.server_error:
                raise RuntimeError(f"{path} answered {answer.status_code}: {answer.text[:300]}")
            self.failures += 1
            time.sleep(0.1)
        raise TimeoutError(f"no answer to {path} within {DEADLINE_S:.0f} s")


def judge_all(server: Server, clients: list[Client], *, verdicts: int, kills: int) -> float:
    """Let the clients judge all that waits while the server is killed; gives the seconds."""
    done, lock = [0], threading.Lock()

    def note(number: int) -> None:
        with lock:
            done[0] += number

    began = time.perf_counter()
    with ThreadPoolExecutor(len(clients)) as pool:
        working = [pool.submit(client.work, note) for client in clients]
        for number in range(kills):
            wanted = verdicts * (number + 1) // (kills + 1)
            while done[0] < wanted and not all(each.done() for each in working):
                time.sleep(0.01)
            server.kill()
            server.start()
        for each in working:
            each.result()
    return time.perf_counter() - began


@contextmanager
def scratch_database() -> Iterator[str]:
    """Give the address of a migrated database that is dropped afterwards."""
    before = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        yield address_of_database()
    finally:
        connection.creation.destroy_test_db(before, verbosity=0)


def address_of_database() -> str:
    """Give the address of the database that this process is connected to."""
    row = connection.settings_dict
    host = quote(row["HOST"]) + (f":{row['PORT']}" if row["PORT"] else "")
    options = {name: text for name, text in row["OPTIONS"].items() if isinstance(text, str)}
    user = f"{quote(row['USER'])}:{quote(row['PASSWORD'])}"
    return f"postgres://{user}@{host}/{row['NAME']}?{urlencode(options)}"


def run(options: dict[str, Any]) -> dict[str, Any]:
    """Give so many verdicts on a database of their own, and count them."""
    with scratch_database() as database:
        waiting.queue_detections(options["verdicts"])
        return measure(
            database,
            waiting.make_curators(options["clients"]),
            verdicts=options["verdicts"],
            kills=options["kills"],
            seed=options["seed"],
        )


def measure(
    database: str, people: list[dict[str, str]], *, verdicts: int, kills: int, seed: int
) -> dict[str, Any]:
    """Judge what waits in a database, by people whose cookies are given; count what is there."""
    server = Server(waiting.free_port(), waiting.environment(database))
    clients = [
        Client(server.address, cookies, random.Random(seed + number))  # noqa: S311 -- a simulation
        for number, cookies in enumerate(people)
    ]
    server.start()
    try:
        seconds = judge_all(server, clients, verdicts=verdicts, kills=kills)
    finally:
        server.kill()
    return figures(clients, verdicts, kills, seconds)


def figures(clients: list[Client], verdicts: int, kills: int, seconds: float) -> dict[str, Any]:
    """Compare what was acknowledged with what the database holds."""
    kept = waiting.kept_verdicts()
    sent = set().union(*(client.sent for client in clients))
    return {
        "verdicts": verdicts,
        "clients": len(clients),
        "kills": kills,
        "kept": len(kept.keys),
        "lost": len(sent - kept.keys),
        "unknown": len(kept.keys - sent),
        "doubled": kept.doubled,
        "still_waiting": kept.waiting,
        "refused": sum(len(client.refused) for client in clients),
        "unanswered_requests": sum(client.failures for client in clients),
        "seconds": seconds,
    }


def show_figures(found: dict[str, Any]) -> None:
    """Print the figures as a table."""
    rows = [[name.replace("_", " "), f"{value:.1f}" if name == "seconds" else str(value)]
            for name, value in found.items()]  # fmt: skip
    show(table("verdicts while the server is killed", ["figure", "value"], rows))
    if found["lost"] or found["doubled"]:
        stderr.print("verdicts were lost or doubled")
