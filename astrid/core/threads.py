"""Work on independent parts of an image in several threads."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

from astrid.core.memory import keep_freed_memory

Part = TypeVar("Part")
Result = TypeVar("Result")

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
    """Give ``work`` of each part, in order.

    numpy and scipy.fft let threads run side by side; sep does not.

    Raises
    ------
    ValueError
        If ``threads`` is below 1.
    """
    if threads < 1:
        raise ValueError(f"threads is {threads}: at least 1 is needed")
    if threads == 1:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, parts))


def plain_libraries() -> AbstractContextManager[Any]:
    """Hold the threads of the libraries to one: beside ours they compete, and spin as they wait.

    The process keeps the memory of its arrays from then on.
    """
    keep_freed_memory()
    limited: AbstractContextManager[Any] = _controller().limit(limits=1)
    return limited


@cache
def _controller() -> ThreadpoolController:
    # looking for the loaded libraries takes milliseconds
    return ThreadpoolController()
