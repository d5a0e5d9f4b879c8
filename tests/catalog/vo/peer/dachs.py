"""A server of GAVO DaCHS on this machine, with a database of its own, for tests to compare with.

It needs no rights but those to its folder; run by root, it runs as another account. The packages
come from Debian:
``apt-get install --no-install-recommends python3-gavo postgresql-15-pgsphere postgresql-15-q3c``.
"""

import grp
import os
import pwd
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

HERE = Path(__file__).parent
PACKAGES = "python3-gavo postgresql-15-pgsphere postgresql-15-q3c"
_BIN = Path("/usr/lib/postgresql/15/bin")
_SPHERE = Path("/usr/share/postgresql/15/extension/pg_sphere--1.2.0.sql")
_Q3C = Path("/usr/share/postgresql/15/extension/q3c.control")
# Neither initdb nor DaCHS runs as root: this account, which Debian's PostgreSQL brings, does.
_ACCOUNT = "postgres"
_START_S = 120
_SETTINGS = """
[general]
rootDir: {folder}
group: {group}
gavoGroup: {group}
maintainerAddress: nobody@example.org
[web]
bindAddress: 127.0.0.1
serverPort: {port}
serverURL: http://127.0.0.1:{port}
user: {user}
sitename: peer
[db]
profilePath: {folder}/etc
[ivoa]
authority: astrid.local
dalDefaultLimit: 10000
[async]
defaultMAXREC: 10000
hardMAXREC: 200000
"""
# DaCHS leaves an extension alone that is there.
_REGISTER = (
    "INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)"
    " VALUES (99999, 'pg_sphere', 10, 2200, true, '1.2.0')"
)


def missing() -> str:
    """Say why no peer can be built here; nothing where it can."""
    parts = (shutil.which("dachs"), _SPHERE.exists(), _Q3C.exists(), (_BIN / "initdb").exists())
    return "" if all(parts) else f"GAVO DaCHS is not installed: apt-get install {PACKAGES}"


@dataclass(frozen=True)
class Peer:
    """A folder with a database and a DaCHS root, and who runs them."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Give the address of the server."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def account(self) -> pwd.struct_passwd:
        """Give whose processes these are."""
        return pwd.getpwnam(_ACCOUNT) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())

    def run(self, *words: str | Path, **given: object) -> None:
        """Run a program to its end.

        Raises
        ------
        RuntimeError
            If it fails, with what it said.
        """
        done = subprocess.run(  # noqa: S603
            words, capture_output=True, text=True, check=False, **self.ways(), **given
        )
        if done.returncode:
            said = (done.stdout + done.stderr)[-3000:]
            raise RuntimeError(f"{' '.join(map(str, words))}: {done.returncode}\n{said}")

    def ways(self) -> dict[str, object]:
        """Say as whom, where, and with which environment programs run."""
        own = {"GAVOSETTINGS": str(self.folder / "gavorc"), "HOME": str(self.folder)}
        who = {"user": _ACCOUNT, "group": self.account.pw_gid, "extra_groups": []}
        as_another = who if os.geteuid() == 0 else {}
        return {"cwd": self.folder, "env": {**_plain(os.environ), **own}, **as_another}

    def sql(self, *statements: str, database: str = "gavo") -> None:
        """Run statements as the owner of the database."""
        words = [word for each in statements for word in ("-c", each)]
        self.run(_BIN / "psql", "-qX", "-h", self.folder, "-d", database, *words)


def _plain(environment: Mapping[str, str]) -> dict[str, str]:
    """Leave out what would lead to the database or the packages of another program."""
    kept = {name: environment[name] for name in ("PATH", "TMPDIR") if name in environment}
    return {**kept, "LANG": "C.UTF-8"}


@contextmanager
def serving(folder: Path, tables: Mapping[str, str]) -> Iterator[Peer]:
    """Build a server with tables, each the text of a CSV file, and end it afterwards."""
    peer = Peer(folder, _free_port())
    _lay_out(peer, tables)
    peer.run(_BIN / "initdb", "-D", folder / "database", "--auth=trust", "--no-sync", "-E", "UTF8")
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
    control = (_BIN / "pg_ctl", "-D", folder / "database", "-l", folder / "database.log", "-w")
    peer.run(*control, "-o", options, "start")
    try:
        _fill(peer)
        with _served(peer):
            yield peer
    finally:
        peer.run(*control, "-m", "immediate", "stop")


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _lay_out(peer: Peer, tables: Mapping[str, str]) -> None:
    inputs = peer.folder / "inputs" / "astrid"
    inputs.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "q.rd", inputs)
    for name, content in tables.items():
        (inputs / f"{name}.csv").write_text(content)
    names = {"folder": peer.folder, "port": peer.port, "user": peer.account.pw_name}
    settings = _SETTINGS.format(group=_group(peer.account.pw_gid), **names)
    (peer.folder / "gavorc").write_text(settings)
    if os.geteuid() == 0:
        for each in (peer.folder, *peer.folder.rglob("*")):
            os.chown(each, peer.account.pw_uid, peer.account.pw_gid)


def _group(number: int) -> str:
    return grp.getgrgid(number).gr_name


def _fill(peer: Peer) -> None:
    peer.sql("CREATE DATABASE gavo", database="postgres")
    # Two operators of Debian's pg_sphere 1.2.0, on maps nobody asks about, do not load into
    # PostgreSQL 15; as an extension, nothing of it would.
    script = _SPHERE.read_text().replace("MODULE_PATHNAME", "$libdir/pg_sphere")
    script = re.sub(r"^\\echo.*\n", "", script, flags=re.MULTILINE)
    peer.run(_BIN / "psql", "-qX", "-h", peer.folder, "-d", "gavo", input=script)
    peer.sql("CREATE EXTENSION q3c", _REGISTER)
    peer.run("dachs", "init", "-d", f"host={peer.folder} dbname=gavo")
    peer.run("dachs", "imp", "//obscore")
    peer.run("dachs", "imp", "astrid/q")


@contextmanager
def _served(peer: Peer) -> Iterator[None]:
    with (peer.folder / "server.log").open("w") as log:
        words = ("dachs", "serve", "debug")
        program = subprocess.Popen(words, stdout=log, stderr=log, **peer.ways())  # noqa: S603
        try:
            _await(peer, program)
            yield
        finally:
            program.terminate()
            program.wait(30)


def _await(peer: Peer, program: subprocess.Popen) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and program.poll() is None:
        try:
            with urlopen(f"{peer.url}/tap/availability", timeout=10):  # noqa: S310
                return
        except (URLError, TimeoutError):
            time.sleep(0.3)
    raise RuntimeError(
        f"DaCHS does not answer:\n{(peer.folder / 'server.log').read_text()[-3000:]}"
    )
