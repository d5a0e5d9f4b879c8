"""``manage.py benchmark differencing``: its options, its run, its tables."""

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from astrid.core.console import progress, stderr
from benchmarks import pages
from benchmarks.differencing import table
from benchmarks.differencing.measure import PEERS, Bench
from benchmarks.differencing.pairs import Maker, outside, simulated
from benchmarks.differencing.run import Plan, measure
from observations.reading_arguments import number, whole

HELP = (
    "Subtract pairs of known truth with this project and every installed peer. On two idle cores "
    "the default takes about a quarter of an hour with --peers none and twice that with them; "
    "--quick takes less than a minute. For the tables of the documentation, in one command: "
    "--table docs/benchmarks.md --json > figures.json"
)
SIZES, SEEDS = (1024, 2048, 4096), tuple(range(101, 111))
AREA_MPIX = 50.0  # 12 frames of 2048 px, 3 of 4096 px
# So few stars that 10 to 15 are left for a PSF, at any size.
SPARSE_DENSITY, SPARSE_AT_PX = 0.1, 1024
LARGE_PX = 3000  # no sparse fields beyond
QUICK_SIZES, QUICK_SEEDS = (512,), (1, 2)
PEERS_PYTHON = Path(".venv-peers/bin/python")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--sizes", type=whole(least=256), nargs="+", metavar="PX", help=f"default {SIZES}"
    )
    parser.add_argument(
        "--seeds",
        type=whole(least=0),
        nargs="+",
        help=f"default {SEEDS[0]} to {SEEDS[-1]}",
    )
    parser.add_argument(
        "--area",
        type=number(),
        default=AREA_MPIX,
        metavar="MPIX",
        help="sky of each size and density, at least one pair: of large frames only the first "
        f"seeds are taken ({AREA_MPIX:g})",
    )
    parser.add_argument(
        "--star-densities",
        type=number(),
        nargs="+",
        metavar="SHARE",
        help="of the usual number of stars; by default 1, and so few that 10 to 15 are left for "
        f"a PSF up to {LARGE_PX} px",
    )
    parser.add_argument(
        "--generator",
        type=Path,
        metavar="FILE.py",
        help="with make_pair(n, seed, star_density=...), in place of the project's simulator",
    )
    parser.add_argument(
        "--peers",
        nargs="+",
        default=["all"],
        choices=["all", "none", *PEERS],
        help="who else subtracts, as far as installed",
    )
    parser.add_argument(
        "--peers-python",
        type=Path,
        metavar="PATH",
        help=f"interpreter of the peers' environment; {PEERS_PYTHON} (make peers) if it exists",
    )
    parser.add_argument(
        "--peer-pairs",
        type=whole(least=0),
        default=2,
        help="pairs of each group that peers get (2)",
    )
    parser.add_argument(
        "--peer-sizes",
        type=whole(least=256),
        nargs="+",
        metavar="PX",
        help="sizes that peers get (all)",
    )
    parser.add_argument(
        "--repeats", type=whole(least=1), default=2, help="the least seconds count (2)"
    )
    parser.add_argument("--timeout", type=number(), default=900, help="seconds of one method (900)")
    parser.add_argument("--quick", action="store_true", help="two small pairs, no peers")
    parser.add_argument(
        "--table",
        type=pages.page_for("differencing"),
        metavar="PAGE.md",
        help="put the tables between its markers",
    )


def run(options: dict[str, Any]) -> dict[str, Any]:
    """Measure as the options say, and write the page if one is named.

    Raises
    ------
    ValueError
        If the generator or the page is not what it should be.
    """
    began = time.monotonic()
    bench = Bench(peers_python(options), options["timeout"], options["repeats"])
    with progress(quiet=options["json"]) as bars:
        figures = measure(_plan(options), _maker(options), bench, bars)
    figures["ran"] = {
        "command": " ".join(["manage.py", *map(_short, sys.argv[1:])]),
        "date": datetime.now(UTC).date().isoformat(),
        "minutes": (time.monotonic() - began) / 60,
        "generator": "the project's simulator"
        if options["generator"] is None
        else options["generator"].name,
    }
    if options["table"] is not None:
        pages.write(options["table"], "differencing", table.render(figures))
    return figures


def show(figures: dict[str, Any]) -> None:
    """Print the tables on standard error."""
    stderr.print(table.render(figures), markup=False, highlight=False, soft_wrap=True)


def _short(word: str) -> str:
    """Leave the folders of a path out."""
    return Path(word).name if "/" in word else word


def peers_python(options: dict[str, Any]) -> str:
    """Name the peers' interpreter; the project's own, where none of them is, if there is none."""
    named = options["peers_python"]
    if named is None:
        return str(PEERS_PYTHON.absolute()) if PEERS_PYTHON.exists() else sys.executable
    if not named.exists():
        raise ValueError(f"--peers-python {named}: there is no such interpreter; see make peers")
    return str(named.absolute())


def _maker(options: dict[str, Any]) -> Maker:
    return simulated if options["generator"] is None else outside(options["generator"])


def _plan(options: dict[str, Any]) -> Plan:
    quick = options["quick"]
    sizes = options["sizes"] or (QUICK_SIZES if quick else SIZES)
    seeds = options["seeds"] or (QUICK_SEEDS if quick else SEEDS)
    densities = options["star_densities"] or ((1.0,) if quick else None)
    pairs = [
        (size, seed, density)
        for size in sizes
        for density in densities or _densities(size)
        for seed in seeds[: max(1, round(options["area"] * 1e6 / size**2))]
    ]
    return Plan(pairs, _peers(options), options["peer_pairs"], options["peer_sizes"] or sizes)


def _densities(size: int) -> Sequence[float]:
    if size > LARGE_PX:
        return (1.0,)
    return (1.0, SPARSE_DENSITY * (SPARSE_AT_PX / size) ** 2)


def _peers(options: dict[str, Any]) -> Sequence[str]:
    named = options["peers"]
    if options["quick"] or "none" in named:
        return ()
    return PEERS if "all" in named else named
