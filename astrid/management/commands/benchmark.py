"""Measure what the code finds and what it costs."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from astrid.core.commands import AstridCommand
from astrid.core.errors import AstridError
from benchmarks.commands import BENCHMARKS


class Command(AstridCommand):
    """Run one of the benchmarks by its name."""

    help = "Measure what the code finds and what it costs; docs/benchmarks.md explains the figures."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the benchmarks, each with its options."""
        names = parser.add_subparsers(dest="name", metavar="NAME", required=True)
        for name, benchmark in BENCHMARKS.items():
            one = names.add_parser(name, help=benchmark.help, description=benchmark.help)
            benchmark.add_arguments(one)
            one.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure, then print a table, or the same as JSON."""
        benchmark = BENCHMARKS[options["name"]]
        try:
            figures = benchmark.run(options)
        except (AstridError, ValueError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(figures, allow_nan=False))
        else:
            benchmark.show(figures)
