"""The folders of the services: made by the first client, given to the servers' account."""

import os
import stat
from pathlib import Path

from astrid.embedded.accounts import Account, closed_folder
from astrid.embedded.errors import EmbeddedError
from astrid.embedded.places import ROOT_HOME, Places


def make_home(places: Places) -> None:
    """Make the folder that holds the locks.

    Raises
    ------
    EmbeddedError
        If it cannot be made here.
    """
    try:
        make_state(places.state)
        _make(places.home, 0o711)
    except OSError as error:
        raise EmbeddedError(
            f"cannot make the state folder {places.home}: {error.strerror}; "
            "set ASTRID_STATE to a folder that you can write to"
        ) from error


def make_logs(places: Places) -> None:
    """Make the folder of the logs; they stay ours, the servers get them open."""
    _make(places.logs, 0o700)


def make_folders(places: Places, account: Account) -> None:
    """Make what the servers need below the state folder and hand it to their account.

    Raises
    ------
    EmbeddedError
        If the account cannot get there, or a stranger owns the folder of the sockets.
    """
    refuse_closed(places, account)
    _make(places.binaries, 0o711)
    for folder in (places.postgres, places.valkey, places.sockets):
        _make(folder, 0o700)
        _give(folder, account)


def refuse_closed(places: Places, account: Account) -> None:
    """Refuse a state folder that the account cannot enter; its modes are not ours to change."""
    closed = closed_folder(places.home, account)
    if closed is not None:
        mode = stat.S_IMODE(closed.stat().st_mode)
        raise EmbeddedError(
            f"PostgreSQL must not run as root, and the account that runs it instead (uid "
            f"{account.uid}) cannot enter {closed} (mode {mode:04o}): set ASTRID_STATE to a folder "
            f"whose parents everybody may enter, such as {ROOT_HOME}"
        )


def make_state(state: Path) -> None:
    """Make the state folder and what leads to it."""
    if state.is_dir():
        return
    if state.is_relative_to(ROOT_HOME):
        _make(ROOT_HOME, 0o711)
        _make(state, 0o711)
        return
    state.parent.mkdir(parents=True, exist_ok=True)
    _make(state, 0o755)


def _make(folder: Path, mode: int) -> None:
    """Make a folder with exactly this mode; one that exists stays as it is."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return
    folder.chmod(mode)


def _give(folder: Path, account: Account) -> None:
    """Hand a private folder to the servers' account.

    Raises
    ------
    EmbeddedError
        If it is no folder, somebody else owns it, or others may enter it.
    """
    status = folder.lstat()
    if status.st_uid == os.geteuid() != account.uid and stat.S_ISDIR(status.st_mode):
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)
        status = folder.lstat()
    mode = stat.S_IMODE(status.st_mode)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != account.uid or mode != 0o700:
        raise EmbeddedError(
            f"{folder} must be a folder of uid {account.uid} that nobody else can enter, but it "
            f"belongs to uid {status.st_uid} with mode {mode:04o}: remove it, or set ASTRID_STATE "
            "to another folder"
        )
