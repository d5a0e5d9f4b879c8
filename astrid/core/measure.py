"""What a piece of work costs: seconds and memory, measured where it runs."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # man 5 proc: 5 resets the high-water mark of the resident set


@dataclass
class Cost:
    """Seconds per step and the peak memory of the whole; ``asdict`` of it goes on a run.

    Processor seconds are those of this process and of the programs that it ran; memory is that of
    this process alone.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    peak_memory_mb: float = 0.0

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step; steps of one name add up."""
        began = time.perf_counter()
        yield
        took = time.perf_counter() - began
        self.seconds[name] = round(self.seconds.get(name, 0.0) + took, 4)


@contextmanager
def measured() -> Iterator[Cost]:
    """Measure the block: processor seconds and the highest resident memory inside it."""
    cost = Cost()
    _reset_peak_memory()
    began = _cpu_seconds()
    yield cost
    cost.cpu_seconds = round(_cpu_seconds() - began, 4)
    cost.peak_memory_mb = round(peak_memory_mb(), 1)


def _cpu_seconds() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def peak_memory_mb() -> float:
    """Give the highest resident memory of this process since the last reset, in MB."""
    if _STATUS.exists():
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    # Without /proc the peak of the whole process is the best there is (kB on Linux).
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _reset_peak_memory() -> None:
    # A locked-down container refuses; then the peak is that of the process so far.
    with suppress(FileNotFoundError, PermissionError):
        _CLEAR.write_text(_RESET_PEAK)
