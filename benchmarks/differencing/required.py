"""What a subtraction must reach, and whether it does."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

Figures = dict[str, Any]

CPU_S_PER_MPIX = 0.25
CACHED_CPU_S_PER_MPIX = 0.15
TWO_CORES_WALL_S_PER_MPIX = 0.13
MEMORY_BYTES_PER_PX = 60.0
FALSE_PER_MPIX, SPARSE_FALSE_PER_MPIX = 1.0, 3.0
COSMICS_PER_MPIX = 0.5
BELOW_EXPECTED = 0.02
LEAST_FOUND = {"7-10": 0.97, "10-50": 0.99}
STD_BLANK, STD_SOURCE = 0.01, 0.1
TAIL_SOURCE = 1e-3
FLUX_BIAS = 0.005
PULL_WIDTH = 1.1
PLACE = 1.2


@dataclass(frozen=True)
class Check:
    """One figure beside what it must be; ``is_reached`` is None where nothing was measured."""

    figure: str
    required: str
    value: float | None
    is_reached: bool | None


def check(figures: Figures, *, is_sparse: bool) -> list[Figures]:
    """Compare a summary of this project's trials with what it must reach."""
    refused = _at_most("pairs refused", float(len(figures["failures"])), 0.0)
    if "cost" not in figures:
        return [asdict(refused)]
    checks = [refused, *_cost(figures["cost"]), *_noise(figures["noise"])]
    checks += _found(figures["table"], is_sparse=is_sparse)
    return [asdict(one) for one in checks]


def _at_most(figure: str, value: float | None, limit: float) -> Check:
    return Check(figure, f"<= {limit:g}", value, None if value is None else value <= limit)


def _at_least(figure: str, value: float | None, limit: float) -> Check:
    return Check(figure, f">= {limit:.3g}", value, None if value is None else value >= limit)


def _near_one(figure: str, value: float, tolerance: float) -> Check:
    return Check(figure, f"1 +- {tolerance:g}", value, abs(value - 1) <= tolerance)


def _cost(cost: Figures) -> Iterator[Check]:
    yield _at_most("CPU s/Mpix, cold", cost["cpu_s_per_mpix"], CPU_S_PER_MPIX)
    if "cached_cpu_s_per_mpix" in cost:
        value = cost["cached_cpu_s_per_mpix"]
        yield _at_most("CPU s/Mpix, cached reference", value, CACHED_CPU_S_PER_MPIX)
    if "two_threads_wall_s_per_mpix" in cost:
        value = cost["two_threads_wall_s_per_mpix"]
        yield _at_most("wall s/Mpix, two threads", value, TWO_CORES_WALL_S_PER_MPIX)
    yield _at_most("bytes/px above the inputs", cost["memory_bytes_per_px"], MEMORY_BYTES_PER_PX)


def _noise(noise: Figures) -> Iterator[Check]:
    yield _near_one("std of S_corr, blank sky", noise["std_blank"]["mean"], STD_BLANK)
    yield _near_one("std of S_corr, on sources", noise["std_source"]["mean"], STD_SOURCE)
    yield _at_most("share beyond 5 sigma on sources", noise["tail_source"]["mean"], TAIL_SOURCE)


def _found(table: Figures, *, is_sparse: bool) -> Iterator[Check]:
    limit = SPARSE_FALSE_PER_MPIX if is_sparse else FALSE_PER_MPIX
    rates = table["per_mpix"]
    yield _at_most("false/Mpix", rates["false"]["rate"], limit)
    yield _at_most("cosmic rays passed/Mpix", rates["cosmic_ray"]["rate"], COSMICS_PER_MPIX)
    for name, cell in table["completeness"]["all"].items():
        if cell["share"] is not None:
            least = max(cell["expected"] - BELOW_EXPECTED, LEAST_FOUND.get(name, 0.0))
            yield _at_least(f"found, S/N {name}", cell["share"], least)
    for kind in ("hosted", "field"):
        for name, cell in table["completeness"][kind].items():
            yield _at_least(f"found, {kind}, S/N {name}", cell["share"], LEAST_FOUND["7-10"])
    bias = table["flux"]["bias"]
    yield _at_most("flux bias, absolute", None if bias is None else abs(bias), FLUX_BIAS)
    yield _at_most("pull width", table["flux"]["pull_width"], PULL_WIDTH)
    yield _at_most("place over Cramer-Rao bound", table["place"]["width"], PLACE)
