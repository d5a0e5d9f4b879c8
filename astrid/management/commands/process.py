"""Run the pipeline in this process."""

import json
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from astrid.core.commands import AstridCommand
from astrid.core.console import progress, stderr, table
from astrid.core.errors import AstridError
from astrid.core.threads import plain_libraries
from astrid.inprocess import Report, process
from catalog.audit import by_operator
from observations.models import Observation, ObservationStatus
from observations.services import retry


class Command(AstridCommand):
    """Run every stage that is due, without workers, until nothing is."""

    help = "Run the pipeline in this process until nothing is due."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--observation", help="key or survey's name of a failed observation to try again first"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Process, then report; the exit status says whether everything went well."""
        if options["observation"]:
            reopen(options["observation"])
        report = work_off(quiet=options["json"])
        if options["json"]:
            self.stdout.write(json.dumps(as_json(report)))
        else:
            show(report)
        if report.failed:
            raise CommandError(f"{len(report.failed)} runs failed", returncode=1)


def work_off(*, quiet: bool) -> Report:
    """Process what is due; what keeps a whole stage from starting ends the command in words."""
    try:
        with plain_libraries(), progress(quiet=quiet) as bars:
            return process(bars)
    except AstridError as error:
        raise CommandError(str(error)) from error


def reopen(name: str) -> None:
    """Put a failed observation back to the start."""
    observation = find(name)
    if observation.status != ObservationStatus.FAILED:
        return
    try:
        with by_operator("process"):
            retry(observation)
    except AstridError as error:
        raise CommandError(str(error)) from error


def find(name: str) -> Observation:
    """Find an observation by its key or by the survey's name of it."""
    observations = Observation.objects.filter(observation_id=name)
    if not observations and (key := key_of(name)):
        observations = Observation.objects.filter(pk=key)
    if len(observations) != 1:
        raise CommandError(f"{len(observations)} observations are called {name!r}; give the key")
    return observations[0]


def key_of(name: str) -> UUID | None:
    """Give the key that is written as ``name``; None where it is none."""
    try:
        return UUID(name)
    except ValueError:
        return None


def as_json(report: Report) -> dict[str, Any]:
    """Give the report as plain values."""
    return {
        "done": dict(report.done),
        "failed": report.failed,
        "postponed": report.postponed,
        "seconds": {name: round(value, 3) for name, value in report.seconds.items()},
        "peak_memory_mb": report.peak_memory_mb,
    }


def show(report: Report) -> None:
    """Print the report on standard error."""
    rows = [
        [
            name,
            str(report.done[name]),
            f"{report.seconds[name]:.1f}",
            f"{report.peak_memory_mb[name]:.0f}",
        ]
        for name in report.seconds
    ]
    stderr.print(table("Stages", ["stage", "runs", "seconds", "peak MB"], rows))
    for run, reason in report.failed.items():
        stderr.print(f"failed: {run}: {reason}", style="red", markup=False, highlight=False)
