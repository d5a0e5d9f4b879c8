"""Benchmarks that the command line knows, each with its options, its run and its table."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from astrid.core.console import progress
from benchmarks import (
    adminlists,
    apilists,
    chaos,
    console,
    decam,
    dithered,
    networks,
    pages,
    pipeline,
    rawnight,
    rawnight_table,
    report,
    summary,
)
from benchmarks.catalog import command as catalog
from benchmarks.differencing import command as differencing
from benchmarks.lightcurves import command as lightcurves
from observations.reading_arguments import whole

Options = dict[str, Any]
Figures = dict[str, Any]


@dataclass(frozen=True)
class Benchmark:
    """One benchmark: what it is for, what it takes, what it measures, how that is shown."""

    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[Options], Figures]
    show: Callable[[Figures], None]


def side(text: str) -> int:
    """Read the width of a frame."""
    if not text.isdecimal() or int(text) < 256:
        raise argparse.ArgumentTypeError(f"{text} px: give a width of 256 or more")
    return int(text)


def _frame_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=whole(least=0), nargs="+", default=[1, 2, 3])
    parser.add_argument("--size", type=side, default=2048, help="width of a frame, px")


def _night_options(parser: argparse.ArgumentParser) -> None:
    _frame_options(parser)
    parser.add_argument(
        "--fields", type=whole(least=1), default=2, help="fields of three frames each"
    )


def _dithered_options(parser: argparse.ArgumentParser) -> None:
    _frame_options(parser)
    parser.add_argument(
        "--table",
        type=pages.page_for("dithered"),
        metavar="PAGE.md",
        help="put the table on a page",
    )


def measure_dithered(options: Options) -> Figures:
    """Take dithered pairs through registration, subtraction and extraction."""
    with progress(quiet=options["json"]) as bars:
        trials = [
            dithered.try_pair(seed, options["size"])
            for seed in bars.track(options["seeds"], description="pairs")
        ]
    figures = {"size": options["size"], "date": datetime.now(UTC).date().isoformat()}
    figures |= summary.summarise(trials)
    if options["table"] is not None:
        pages.write(options["table"], "dithered", report.render_dithered(figures))
    return figures


def measure_pipeline(options: Options) -> Figures:
    """Run simulated nights through the pipeline, on the database that the settings name."""
    with progress(quiet=options["json"]) as bars:
        return pipeline.measure(
            options["seeds"][0], fields=options["fields"], size=options["size"], bars=bars
        )


BENCHMARKS = {
    "admin": Benchmark(
        adminlists.HELP, adminlists.add_arguments, adminlists.run, adminlists.show_figures
    ),
    "api": Benchmark(apilists.HELP, apilists.add_arguments, apilists.run, apilists.show_figures),
    "catalog": Benchmark(catalog.HELP, catalog.add_arguments, catalog.run, catalog.show),
    "chaos": Benchmark(chaos.HELP, chaos.add_arguments, chaos.run, chaos.show_figures),
    "console": Benchmark(console.HELP, console.add_arguments, console.run, console.show_figures),
    "decam": Benchmark(decam.HELP, decam.add_arguments, decam.run, decam.show),
    "differencing": Benchmark(
        differencing.HELP, differencing.add_arguments, differencing.run, differencing.show
    ),
    "dithered": Benchmark(
        "Register, subtract and extract simulated pairs that were dithered.",
        _dithered_options,
        measure_dithered,
        report.show_dithered,
    ),
    "lightcurves": Benchmark(
        lightcurves.HELP, lightcurves.add_arguments, lightcurves.run, lightcurves.show
    ),
    "networks": Benchmark(networks.HELP, networks.add_arguments, networks.run, networks.show),
    "pipeline": Benchmark(
        "Take a simulated night through the whole pipeline, on the database of the settings.",
        _night_options,
        measure_pipeline,
        report.show_pipeline,
    ),
    "rawnight": Benchmark(rawnight.HELP, rawnight.add_arguments, rawnight.run, rawnight_table.show),
}
