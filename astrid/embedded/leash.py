"""Become another program that cannot outlive the process that started it.

Run as a script, it changes account if asked, lets the kernel send a signal when the parent dies
(even by SIGKILL), and turns into the command. A program of its own, not a ``preexec_fn``: that
hook is unsafe in a process with threads, and the kernel forgets the request on a change of account,
so the order matters. It imports next to nothing, for it runs before every child.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
NOT_STARTED = 127


def leash(command: list[str], signal_number: int, who: tuple[int, ...] = ()) -> list[str]:
    """Give the command line that runs ``command`` bound to the life of the calling thread.

    ``who`` is uid, gid and supplementary groups to run it as; empty keeps our own.
    """
    interpreter = [sys.executable, "-I", "-S", os.path.abspath(__file__)]  # noqa: PTH100 - pathlib is slow to import
    numbers = ",".join(str(number) for number in who)
    return [*interpreter, str(int(signal_number)), str(os.getpid()), numbers, *command]


def _take_account(who: str) -> None:
    if not who:
        return
    uid, gid, *groups = (int(number) for number in who.split(","))
    os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def _bind(signal_number: int, parent: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # it died before we asked
        sys.exit(NOT_STARTED)


def main() -> None:
    """Read signal, parent, account and command from the command line and become the command."""
    signal_number, parent, who, *command = sys.argv[1:]
    try:
        _take_account(who)
        _bind(int(signal_number), int(parent))
        os.execvp(command[0], command)  # noqa: S606 - replaces this process, no shell wanted
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]}: {error}\n")
        sys.exit(NOT_STARTED)


if __name__ == "__main__":
    main()
