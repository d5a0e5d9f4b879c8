"""All methods on all pairs, and the figures as one JSON object."""

import os
import platform
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.progress import Progress

from astrid.core.provenance import versions
from benchmarks.differencing import required, summary
from benchmarks.differencing.field import Field
from benchmarks.differencing.inputs import write_job
from benchmarks.differencing.measure import (
    OWN,
    PEERS,
    VARIANT_PAIRS,
    VARIANTS,
    Bench,
    Trial,
    method_of,
    try_method,
    version_of,
)
from benchmarks.differencing.pairs import Maker
from benchmarks.differencing.score import lay

Figures = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes
    ----------
    pairs : list of (size, seed, star density)
    peers : list of str
        Those that run, if they are installed.
    peer_pairs : int
        Pairs of each group that peers get, the first ones.
    peer_sizes : list of int
        Sizes of the pairs that peers get.
    """

    pairs: Sequence[tuple[int, int, float]]
    peers: Sequence[str]
    peer_pairs: int
    peer_sizes: Sequence[int]


def measure(plan: Plan, make: Maker, bench: Bench, bars: Progress) -> Figures:
    """Run everything and join the figures."""
    methods = {name: _describe(name, bench) for name in (OWN, *VARIANTS, *PEERS)}
    wanted = [name for name in plan.peers if methods[name]["version"] is not None]
    trials = []
    for number, pair in enumerate(bars.track(plan.pairs, description="pairs")):
        trials += _try_all(make(*pair), _names(plan, number, wanted), bench)
    return {
        "machine": machine(),
        "versions": versions(),
        "methods": methods,
        "summary": _summaries(trials, wanted),
        "required": _required(trials),
        "pairs": [_row(trial) for trial in trials],
    }


def _describe(name: str, bench: Bench) -> Figures:
    version, missing = version_of(name, bench)
    return {**asdict(method_of(name)), "version": version, "missing": missing}


def _names(plan: Plan, number: int, peers: Sequence[str]) -> list[str]:
    """Name the methods that a pair is given to."""
    rank = _rank(plan, number)
    names = [OWN]
    if rank < VARIANT_PAIRS:
        names += VARIANTS
    if rank < plan.peer_pairs and plan.pairs[number][0] in plan.peer_sizes:
        names += peers
    return names


def _rank(plan: Plan, number: int) -> int:
    """Count the pairs of the same size and density before this one."""
    size, _, density = plan.pairs[number]
    return sum((other[0], other[2]) == (size, density) for other in plan.pairs[:number])


def _try_all(field: Field, names: Sequence[str], bench: Bench) -> list[Trial]:
    ground = lay(field)
    with tempfile.TemporaryDirectory() as folder:
        job = write_job(field, Path(folder) / "job")
        return [
            try_method(name, job, ground, bench)
            for name in names
            if field.size <= method_of(name).largest_px
        ]


def _summaries(trials: Sequence[Trial], peers: Sequence[str]) -> Figures:
    """Sum this project up, and beside each other all methods on the pairs that peers had."""
    groups = dict.fromkeys(trial.truth.group for trial in trials)
    return {
        "all": _own(trials),
        "groups": {group: _own(trials, group) for group in groups},
        "side_by_side": {
            group: found for group in groups if (found := _side_by_side(trials, peers, group))
        },
    }


def _own(trials: Sequence[Trial], group: str | None = None) -> Figures:
    """Sum this project up, with the cost of its variants."""
    figures = summary.summarise(_of(trials, OWN, group))
    for name, prefix in VARIANTS.items():
        other = summary.summarise(_of(trials, name, group))
        if "cost" in figures and "cost" in other:
            kept = ("cpu_s_per_mpix", "wall_s_per_mpix", "memory_bytes_per_px")
            figures["cost"] |= {f"{prefix}_{key}": other["cost"][key] for key in kept}
    return figures


def _of(trials: Sequence[Trial], name: str, group: str | None = None) -> list[Trial]:
    return [
        trial for trial in trials if trial.method == name and group in (None, trial.truth.group)
    ]


def _side_by_side(trials: Sequence[Trial], peers: Sequence[str], group: str) -> Figures:
    """Sum all methods up on the pairs of a group that peers were given."""
    theirs = {name: some for name in peers if (some := _of(trials, name, group))}
    seeds = {trial.truth.seed for some in theirs.values() for trial in some}
    own = [trial for trial in _of(trials, OWN, group) if trial.truth.seed in seeds]
    every = {OWN: own, **theirs} if theirs else {}
    return {name: summary.summarise(some) for name, some in every.items()}


def _required(trials: Sequence[Trial]) -> Figures:
    """Compare this project's figures with what they must reach, group by group."""
    own = _of(trials, OWN)
    densities = {trial.truth.group: trial.truth.star_density for trial in own}
    return {
        group: required.check(_own(trials, group), is_sparse=density < 1)
        for group, density in densities.items()
    }


def _row(trial: Trial) -> Figures:
    truth = trial.truth
    return {
        "method": trial.method,
        "group": truth.group,
        "size": truth.size,
        "seed": truth.seed,
        "star_density": truth.star_density,
        "failure": trial.failure,
        **summary.summarise([trial]),
    }


def machine() -> Figures:
    """Describe the machine, and how busy it is at the end."""
    words = [line.split(":", 1)[1].strip() for line in _cpu_lines()]
    return {
        "cpus": os.cpu_count(),
        "cpu": words[0] if words else platform.machine(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "load_average": [round(load, 1) for load in os.getloadavg()],
    }


def _cpu_lines() -> list[str]:
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.startswith("model name")]
