"""`manage.py benchmark lightcurves`."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import connection

from astrid.core.console import show as print_table
from astrid.core.console import table
from benchmarks import pages
from benchmarks.chaos import scratch_database
from benchmarks.differencing.command import PEERS_PYTHON, peers_python
from benchmarks.differencing.run import machine
from benchmarks.lightcurves import photometry, recovery
from benchmarks.lightcurves.measure import Amount, measure
from observations.reading_arguments import whole

Figures = dict[str, Any]
HELP = (
    "Write and read light curves, beside a column of numbers and a row per point; measure many "
    "objects on one frame, beside photutils and a loop over them; find known periods."
)
RATES = ["per second of the clock", "per second of processors"]
BOUNDS = ["figure", "measured", "needed"]
# figure: (least or most, is it a least)
WANTED = {
    "write, times the array column": (12.0, True),
    "read, times the array column": (2.0, True),
    "write, times a row per point": (20.0, True),
    "read, times a row per point": (20.0, True),
    "bytes per float64, raw": (8.4, False),
    "bytes per rounded float32, packed": (2.5, False),
    "random read from shards, times the database": (30.0, True),
    "pages that a slice of 100 touches, share of the whole": (0.5, False),
    "forced photometry of 1,000 objects on 2048 x 2048 pixels, CPU s": (1.0, False),
    "known periods of pulsating stars found": (0.99, True),
    "page with the plot of a curve, ms": (300.0, False),
}
FRAME_PX, OBJECTS = 2048, 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how many curves of how many points."""
    parser.add_argument("--curves", type=whole(least=2), default=200)
    parser.add_argument("--points", type=whole(least=1000), default=20_000)
    parser.add_argument("--reads", type=whole(least=10), default=400, help="of single curves")
    python = f"interpreter that has photutils; {PEERS_PYTHON} (make peers) if it exists"
    parser.add_argument("--peers-python", type=Path, metavar="FILE", help=python)
    parser.add_argument("--variables", type=whole(least=1), default=400,
                        help="pulsating stars whose period is looked for")  # fmt: skip
    parser.add_argument("--transits", type=whole(least=1), default=60,
                        help="planets whose transits are looked for")  # fmt: skip
    parser.add_argument("--seed", type=whole(least=0), default=1)
    parser.add_argument("--table", type=pages.page_for("lightcurves"), metavar="PAGE.md",
                        help="put the table on a page")  # fmt: skip


def run(options: dict[str, Any]) -> Figures:
    """Measure on a database of its own."""
    amount = Amount(
        curves=options["curves"],
        array_curves=max(2, options["curves"] // 10),
        point_curves=max(2, options["curves"] // 50),
        points=options["points"],
        reads=options["reads"],
        seed=options["seed"],
    )
    with scratch_database():
        found = measure(amount)
        server = version()
    python = peers_python(options)
    found["photometry"] = photometry.measured(FRAME_PX, OBJECTS, amount.seed, python)
    wanted = (options[name] for name in ("variables", "transits", "seed"))
    found["recovery"] = recovery.measure_recovery(*wanted)
    found |= {"machine": machine(), "postgresql": server}
    found["date"] = datetime.now(UTC).date().isoformat()
    found["required"] = required(found)
    if options["table"] is not None:
        pages.write(options["table"], "lightcurves", render(found))
    return found


def version() -> int:
    """Give the version of the server."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        return int(cursor.fetchone()[0]) // 10_000


def required(found: Figures) -> dict[str, dict[str, Any]]:
    """Give the figures that must be reached, and whether they are."""
    write, read, sizes = found["write"], found["read"], found["bytes_per_number"]
    values = {
        "write, times the array column": times(write["array column"], write["copy"]),
        "read, times the array column": times(read["array column"], read["database"]),
        "write, times a row per point": times(write["row per point"], write["copy"]),
        "read, times a row per point": times(read["row per point"], read["database"]),
        "bytes per float64, raw": sizes["copy"],
        "bytes per rounded float32, packed": sizes["packed"],
        "random read from shards, times the database": times(
            found["single"]["database, plain query"], found["shard"]["later reads"]
        ),
        "pages that a slice of 100 touches, share of the whole": found["pages"]["part"]
        / found["pages"]["whole"],
        "forced photometry of 1,000 objects on 2048 x 2048 pixels, CPU s": (
            found["photometry"]["ways"][photometry.WHOLE]["cpu_s"]
        ),
        "known periods of pulsating stars found": found["recovery"]["pulsating"]["share"],
        "page with the plot of a curve, ms": 1000 * sum(map(seconds, found["plot"].values())),
    }
    return {
        name: {"value": value, "bound": bound, "reached": (value >= bound) is is_least}
        for name, value in values.items()
        for bound, is_least in [WANTED[name]]
    }


def seconds(cost: dict[str, Any]) -> float:
    """Give processor seconds where they are known, else those of the clock."""
    found: float = cost["wall_s"] if cost["cpu_s"] is None else cost["cpu_s"]
    return found


def times(slow: dict[str, float], fast: dict[str, float]) -> float:
    """Give how many times as long one takes as the other.

    By processor seconds of client and server where both are known: other work on the machine
    changes those of the clock.
    """
    clock = "wall_s" if slow["cpu_s"] is None or fast["cpu_s"] is None else "cpu_s"
    return slow[clock] / fast[clock]


def rows(found: Figures) -> list[list[str]]:
    """Lay the figures out."""
    cells = [
        [f"{work}: {name}", *_rates(cost)]
        for work in ("write", "read", "single", "part", "shard", "plot", "send")
        for name, cost in found[work].items()
    ]
    return [*cells, ["move to shards, verified", *_rates(found["move"])]]


def _rates(cost: dict[str, float | None]) -> list[str]:
    return [
        "-" if not cost[clock] else _number(1 / cost[clock])  # type: ignore[operator]
        for clock in ("wall_s", "cpu_s")
    ]


def _number(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:,.0f}"


def bounds(found: Figures) -> list[list[str]]:
    """Lay out what must be reached."""
    return [
        [name, f"{one['value']:.3g}",
         f"{'≥' if WANTED[name][1] else '≤'} {one['bound']:g} {'✓' if one['reached'] else '✗'}"]
        for name, one in found["required"].items()
    ]  # fmt: skip


def show(found: Figures) -> None:
    """Print the tables."""
    print_table(table(about(found), ["work", *RATES], rows(found)))
    print_table(table("known periods", recovery.COLUMNS, recovery.rows(found["recovery"])))
    print_table(table("what must be reached", BOUNDS, bounds(found)))
    print_table(
        table("forced photometry", photometry.COLUMNS, photometry.rows(found["photometry"]))
    )


def render(found: Figures) -> str:
    """Give the same as Markdown."""
    return "\n\n".join(
        [
            about(found),
            pages.lines(BOUNDS, bounds(found)),
            pages.lines(["work", *RATES], rows(found)),
            photometry.about(found["photometry"]),
            pages.lines(photometry.COLUMNS, photometry.rows(found["photometry"])),
            pages.lines(recovery.COLUMNS, recovery.rows(found["recovery"])),
        ]
    )


def about(found: Figures) -> str:
    """Say what was measured, and where."""
    where, few = found["machine"], (found["array_curves"], found["point_curves"])
    return (
        f"Measured on {found['date']}: {found['curves']} curves of {found['points']:,} values and "
        f"as many errors ({few[0]} of them as columns of numbers, {few[1]} as rows), "
        f"PostgreSQL {found['postgresql']} on {where['cpus']} cores of {where['cpu']}, load "
        f"average at the end {where['load_average'][0]}. Processor time is of client and server."
    )
