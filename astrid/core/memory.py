"""Memory that arrays have freed, kept for those that come next."""

import ctypes
from functools import cache

# Parameters of mallopt(3), as malloc.h of glibc has them.
_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8
KEPT_BYTES = 2**30  # what a difference of 4096 px takes, and some more


@cache
def keep_freed_memory() -> None:
    """Let this process keep up to a GiB that it has freed, in one heap for all threads.

    glibc gives large arrays back to the system at once, and takes them from it anew: each page of
    each array is then cleared once more. That is up to a tenth of the time of a difference of
    2048 px, an eighth at 4096 px, and more where threads wait for each other's pages. Allocators
    that do not know these parameters are left as they are.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        for parameter, value in (
            (_TRIM_THRESHOLD, KEPT_BYTES),
            (_MMAP_MAX, 0),
            (_ARENA_MAX, 1),
        ):
            libc.mallopt(parameter, value)
