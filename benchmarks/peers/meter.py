"""What a piece of work costs, its child processes included."""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # man 5 proc: resets the high-water mark of the resident set


@dataclass(frozen=True)
class Cost:
    """Seconds, and bytes above what was resident before; a child process counts in full."""

    cpu_s: float
    wall_s: float
    memory_bytes: int


def measure(work: Callable[[], Any]) -> tuple[Any, Cost]:
    """Do the work and say what it cost."""
    _CLEAR.write_text(_RESET_PEAK)
    before, began = _status_kb("VmRSS"), time.perf_counter()
    own, children = _cpu_s(resource.RUSAGE_SELF), _cpu_s(resource.RUSAGE_CHILDREN)
    result = work()
    wall = time.perf_counter() - began
    own, children = (
        _cpu_s(resource.RUSAGE_SELF) - own,
        _cpu_s(resource.RUSAGE_CHILDREN) - children,
    )
    peak = _status_kb("VmHWM") - before
    if children:
        # of all that ever ended here: whoever measures children starts with none
        peak = max(peak, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    return result, Cost(own + children, wall, 1024 * peak)


def _cpu_s(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def _status_kb(key: str) -> int:
    for line in _STATUS.read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1])
    raise ValueError(f"{_STATUS} has no {key}: memory can be measured on Linux only")
