"""`manage.py benchmark catalog`."""

import argparse
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from astrid.core.console import show as print_table
from astrid.core.console import table
from benchmarks import pages
from benchmarks.catalog import cones, exporting, filling, lists, matching, writing
from benchmarks.catalog.goals import BOUNDS, bounds, required
from benchmarks.chaos import scratch_database
from benchmarks.differencing.run import machine
from benchmarks.lightcurves.command import version
from benchmarks.spending import Server
from observations.reading_arguments import whole

Figures = dict[str, Any]
HELP = "Search, match, write, list and export a filled catalog, beside q3c and stock ways."
COLUMNS = ["work", "way", "measured"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how large the catalog is."""
    parser.add_argument("--rows", type=whole(least=2000), default=1_000_000, help="sky objects")
    parser.add_argument("--cones", type=whole(least=20), default=100, help="of each radius")
    parser.add_argument("--seed", type=whole(least=0), default=1)
    parser.add_argument(
        "--table", type=pages.page_for("catalog"), metavar="PAGE.md", help="put the table on a page"
    )


def run(options: dict[str, Any]) -> Figures:
    """Measure on a database of its own."""
    with scratch_database():
        found = measure(options["rows"], options["cones"], options["seed"])
    if options["table"] is not None:
        pages.write(options["table"], "catalog", render(found))
    return found


def measure(rows: int, number: int, seed: int) -> Figures:
    """Fill the database of this connection, and measure."""
    filling.fill(rows, seed)
    peer = filling.add_q3c()
    has_q3c = not peer.startswith("q3c not available")
    found = {
        "rows": rows,
        "cones": number,
        "q3c": peer,
        "processors": "client and server" if Server.found().folder else "client; wall where both",
        "cone_ms": {
            radius: {name: asdict(cone) for name, cone in ways.items()}
            for radius, ways in cones.measure(number, seed, has_q3c=has_q3c).items()
        },
        "matching": matching.measure(seed, has_q3c=has_q3c),
        "candidates_per_s": writing.measure(seed),
        **lists.measure(rows),
        "export": exporting.measure(rows),
        "machine": machine(),
        "postgresql": version(),
        "date": datetime.now(UTC).date().isoformat(),
    }
    return found | {"required": required(found)}


def rows_of(found: Figures) -> list[list[str]]:
    """Lay the figures out."""
    lines = [
        [f"cone {radius}", name, f"{cone['median_ms']:.3g} ms (mean {cone['mean_ms']:.3g})"]
        for radius, ways in found["cone_ms"].items()
        for name, cone in ways.items()
    ]
    matched, exported = found["matching"], found["export"]
    parts = (
        (f"match {matched['points']:,} positions of an image", matched["us_per_point"], "µs each"),
        ("write the candidates of an image", found["candidates_per_s"], "rows per s"),
        ("list 1,000 rows as JSON", found["thousand_ms"], "ms"),
        ("page of 100 rows", found["page_ms"], "ms"),
        (f"export {exported['rows']:,} rows as CSV", exported["csv_s"], "s"),
    )
    lines += [
        [work, name, f"{value:,.3g} {unit}" if value < 1000 else f"{value:,.0f} {unit}"]
        for work, ways, unit in parts
        for name, value in ways.items()
    ]
    return lines


def show(found: Figures) -> None:
    """Print the tables."""
    print_table(table(about(found), COLUMNS, rows_of(found)))
    print_table(table("what must be reached", BOUNDS, bounds(found["required"])))


def render(found: Figures) -> str:
    """Give the same as Markdown."""
    wanted = pages.lines(BOUNDS, bounds(found["required"]))
    return "\n\n".join([about(found), wanted, pages.lines(COLUMNS, rows_of(found))])


def about(found: Figures) -> str:
    """Say what was measured, and where."""
    where = found["machine"]
    return (
        f"Measured on {found['date']}: {found['rows']:,} sky objects, {found['cones']} cones of "
        f"each radius, PostgreSQL {found['postgresql']}, {found['q3c']}, {where['cpus']} cores of "
        f"{where['cpu']}, load average at the end {where['load_average'][0]}. Times are of "
        f"processors, {found['processors']}, the median unless said."
    )
