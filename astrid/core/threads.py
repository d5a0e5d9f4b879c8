"""Work on independent parts of an image in several threads."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import cache
from typing import TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

from astrid.core.memory import keep_freed_memory

Part = TypeVar("Part")
Result = TypeVar("Result")

# Elements of numpy's buffers. Of its own 8192 it fills buffers from all arrays whose rows do not
# follow each other in memory, which takes longer than the work itself.
BUFFER = 512

# What a worker beside others has set; None: as many as there are processors.
_allowed: dict[str, int | None] = {"threads": None}


def allowed_threads() -> int:
    """Say how many threads this process may work in: its processors, or what it was held to."""
    return _allowed["threads"] or len(os.sched_getaffinity(0))


def hold_threads(count: int | None) -> None:
    """Hold this process to ``count`` threads; None lets it use all processors again."""
    _allowed["threads"] = count


def in_threads(
    work: Callable[[Part], Result], parts: Iterable[Part], *, threads: int
) -> list[Result]:
    """Give ``work`` of each part, in order, with the settings of numpy that the caller has.

    numpy and scipy.fft let threads run side by side; sep does not. Nor do calls of numpy on less
    than some 50,000 numbers: waiting for the interpreter takes longer than the calls themselves.

    Raises
    ------
    ValueError
        If ``threads`` is below 1.
    """
    if threads < 1:
        raise ValueError(f"threads is {threads}: at least 1 is needed")
    if threads == 1:
        return [work(part) for part in parts]
    each = [(copy_context(), part) for part in parts]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda pair: pair[0].run(work, pair[1]), each))


@contextmanager
def plain_libraries() -> Iterator[None]:
    """Hold the threads of the libraries to one: beside ours they compete, and spin as they wait.

    numpy's buffers are small inside; the process keeps the memory of its arrays from then on.
    """
    keep_freed_memory()
    with _controller().limit(limits=1), np.errstate():
        np.setbufsize(BUFFER)  # errstate takes it back
        yield


@cache
def _controller() -> ThreadpoolController:
    # looking for the loaded libraries takes milliseconds
    return ThreadpoolController()
