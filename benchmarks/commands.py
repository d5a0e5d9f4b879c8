"""Benchmarks that the command line knows, each with its options, its run and its table."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from astrid.core.console import progress
from benchmarks import decam, difference, pipeline, rawnight, report, summary
from benchmarks.differencing import command as differencing

Options = dict[str, Any]
Figures = dict[str, Any]

VARIANTS = {"one_grid": False, "dithered": True}


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
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--size", type=side, default=2048, help="width of a frame, px")


def _night_options(parser: argparse.ArgumentParser) -> None:
    _frame_options(parser)
    parser.add_argument("--fields", type=int, default=2, help="fields of three frames each")


def measure_difference(options: Options) -> Figures:
    """Difference simulated pairs: on one grid, and dithered."""
    seeds, size = options["seeds"], options["size"]
    figures: Figures = {"size": size, "seeds": seeds}
    with progress(quiet=options["json"]) as bars:
        for variant, dithered in VARIANTS.items():
            trials = [
                difference.try_pair(seed, size, dithered=dithered)
                for seed in bars.track(seeds, description=variant)
            ]
            figures[variant] = summary.summarise(trials)
    return figures


def measure_pipeline(options: Options) -> Figures:
    """Run simulated nights through the pipeline, on the database that the settings name."""
    with progress(quiet=options["json"]) as bars:
        return pipeline.measure(
            options["seeds"][0], fields=options["fields"], size=options["size"], bars=bars
        )


BENCHMARKS = {
    "decam": Benchmark(decam.HELP, decam.add_arguments, decam.run, decam.show),
    "difference": Benchmark(
        "Calibrate, subtract and extract simulated pairs, on one grid and dithered.",
        _frame_options,
        measure_difference,
        lambda figures: report.show("difference", figures),
    ),
    "differencing": Benchmark(
        differencing.HELP, differencing.add_arguments, differencing.run, differencing.show
    ),
    "pipeline": Benchmark(
        "Take a simulated night through the whole pipeline, on the database of the settings.",
        _night_options,
        measure_pipeline,
        lambda figures: report.show("pipeline", figures),
    ),
    "rawnight": Benchmark(rawnight.HELP, rawnight.add_arguments, rawnight.run, rawnight.show),
}
