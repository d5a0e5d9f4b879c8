"""Which account the servers run as, and which folders it can enter.

PostgreSQL refuses to run as root, so root hands the servers to an account that exists already.
No account is created and no permission outside the state folder is touched: where the account
cannot get in, the caller chooses another place or refuses.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from astrid.embedded.errors import EmbeddedError

PREFERRED = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """An account by its numbers; ``groups`` are the supplementary ones."""

    uid: int
    gid: int
    groups: tuple[int, ...]

    def may_enter(self, status: os.stat_result) -> bool:
        """Tell from its mode whether the account can pass through a folder."""
        if self.uid == 0:
            return True
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid in {self.gid, *self.groups}:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)


def own_account() -> Account:
    """Give the account of this process."""
    return Account(os.geteuid(), os.getegid(), tuple(os.getgroups()))


def server_account(data_home: Path) -> Account:
    """Give the account that runs the servers.

    It is our own unless we are root. Root keeps to the owner of data that exist already, so that
    ``sudo`` on somebody's project does not take the data away from them.

    Raises
    ------
    EmbeddedError
        If we are root and no unprivileged account exists.
    """
    if os.geteuid() != 0:
        return own_account()
    if data_home.exists() and data_home.stat().st_uid != 0:
        return _account_of(data_home.stat())
    for name in PREFERRED:
        try:
            return _from_entry(pwd.getpwnam(name))
        except KeyError:
            continue
    raise EmbeddedError(
        "PostgreSQL refuses to run as root and neither of the accounts "
        f"{' and '.join(PREFERRED)} exists: run as an ordinary user or set DATABASE_URL and "
        "BROKER_URL"
    )


def closed_folder(path: Path, account: Account) -> Path | None:
    """Give the first folder on the way to ``path`` (itself included) that the account cannot enter.

    Parts that do not exist yet are left out: whoever makes them decides.
    """
    for folder in (*reversed(path.parents), path):
        if folder.is_dir() and not account.may_enter(folder.stat()):
            return folder
    return None


def _from_entry(entry: pwd.struct_passwd) -> Account:
    groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
    return Account(entry.pw_uid, entry.pw_gid, tuple(groups))


def _account_of(status: os.stat_result) -> Account:
    try:
        return _from_entry(pwd.getpwuid(status.st_uid))
    except KeyError:
        return Account(status.st_uid, status.st_gid, ())
