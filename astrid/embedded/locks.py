"""Advisory file locks: the kernel drops them when their last holder dies, however it dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from astrid.embedded.errors import EmbeddedError

SHARED = fcntl.LOCK_SH
ALONE = fcntl.LOCK_EX
POLL_S = 0.01


def try_lock(path: Path, kind: int) -> int | None:
    """Take a lock now and give its descriptor, or None where somebody is in the way."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def wait_for_lock(path: Path, kind: int, *, timeout_s: float) -> int:
    """Take a lock, waiting for whoever has it.

    Raises
    ------
    EmbeddedError
        If it is still taken after ``timeout_s`` seconds.
    """
    deadline = time.monotonic() + timeout_s
    while (descriptor := try_lock(path, kind)) is None:
        if time.monotonic() > deadline:
            raise EmbeddedError(
                f"{path} has been locked by another process for {timeout_s:.0f} s: "
                f"'fuser -v {path}' names it; stop it and try again"
            )
        time.sleep(POLL_S)
    return descriptor


@contextmanager
def locked(path: Path, kind: int, *, timeout_s: float) -> Iterator[int]:
    """Hold a lock while the block runs, and longer if a forked child lives on."""
    descriptor = wait_for_lock(path, kind, timeout_s=timeout_s)
    try:
        yield descriptor
    finally:
        # Closing, not unlocking: an unlock would also take it from children forked meanwhile.
        os.close(descriptor)


def is_free(path: Path) -> bool:
    """Tell whether nobody holds the lock."""
    descriptor = try_lock(path, ALONE)
    if descriptor is None:
        return False
    os.close(descriptor)
    return True


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except PermissionError as error:
        raise EmbeddedError(
            f"cannot open {path}: the state folder belongs to somebody else; "
            "run as its owner or set ASTRID_STATE to a folder of your own"
        ) from error
