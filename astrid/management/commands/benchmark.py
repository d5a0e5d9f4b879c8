"""Measure what the code finds and what it costs."""

import argparse
import json
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from astrid.core.console import progress
from astrid.core.errors import AstridError
from benchmarks import difference, pipeline, report, summary

Measurement = Callable[[dict[str, Any], bool], dict[str, Any]]

VARIANTS = {"one_grid": False, "dithered": True}


class Command(BaseCommand):
    """Run one of the benchmarks by its name."""

    help = "Measure what the code finds and what it costs; docs/benchmarks.md explains the figures."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("name", help=f"one of: {', '.join(MEASUREMENTS)}")
        parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
        parser.add_argument("--size", type=side, default=2048, help="width of a frame, px")
        parser.add_argument(
            "--fields", type=int, default=2, help="pipeline: fields of three frames each"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure, then print a table, or the same as JSON."""
        name = options["name"]
        if name not in MEASUREMENTS:
            raise CommandError(f"no benchmark is called {name!r}; there are {_names()}")
        try:
            figures = MEASUREMENTS[name](options, options["json"])
        except (AstridError, ValueError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(figures, allow_nan=False))
        else:
            report.show(name, figures)


def _names() -> str:
    return " and ".join(MEASUREMENTS)


def side(text: str) -> int:
    """Read the width of a frame."""
    if not text.isdecimal() or int(text) < 256:
        raise argparse.ArgumentTypeError(f"{text} px: give a width of 256 or more")
    return int(text)


def measure_difference(options: dict[str, Any], quiet: bool) -> dict[str, Any]:
    """Difference simulated pairs: on one grid, and dithered."""
    seeds, size = options["seeds"], options["size"]
    figures: dict[str, Any] = {"size": size, "seeds": seeds}
    with progress(quiet=quiet) as bars:
        for variant, dithered in VARIANTS.items():
            trials = [
                difference.try_pair(seed, size, dithered=dithered)
                for seed in bars.track(seeds, description=variant)
            ]
            figures[variant] = summary.summarise(trials)
    return figures


def measure_pipeline(options: dict[str, Any], quiet: bool) -> dict[str, Any]:
    """Run simulated nights through the pipeline, on the database that the settings name."""
    with progress(quiet=quiet) as bars:
        return pipeline.measure(
            options["seeds"][0], fields=options["fields"], size=options["size"], bars=bars
        )


MEASUREMENTS: dict[str, Measurement] = {
    "difference": measure_difference,
    "pipeline": measure_pipeline,
}
