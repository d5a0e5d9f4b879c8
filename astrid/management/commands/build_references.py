"""Build references from the best frames of every sky cell."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from astrid import pipeline
from astrid.core.commands import AstridCommand
from astrid.core.console import stderr, table
from astrid.core.errors import AstridError
from catalog import config, jobs
from catalog.models import JobType
from differencing.models import ReferenceRun
from differencing.references import stacks
from differencing.references.cells import plan_for
from differencing.references.parameters import ReferenceParameters
from observations.models import Observation, Survey


class Command(AstridCommand):
    """Look at every sky cell, and build the references that are better than those in force."""

    help = "Stack the best frames of every sky cell into a reference, where that is better."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--survey", help="name of the only survey to look at")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be built, build nothing"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Build, then report; the exit status says whether every run ended well."""
        try:
            parameters = config.get("reference")
        except AstridError as error:
            raise CommandError(str(error)) from error
        look = plan if options["dry_run"] else build
        found = [look(grid, parameters) for grid in grids(options["survey"])]
        if options["json"]:
            self.stdout.write(json.dumps({"cells": found}))
        else:
            show(found)
        failed = sum(each["status"] == "failed" for each in found)
        if failed:
            raise CommandError(f"{failed} references could not be built", returncode=1)


def grids(survey: str | None) -> list[Observation]:
    """Give the frames on whose grids the cells lie."""
    cells = stacks.cells()
    if survey is None:
        return list(cells)
    if not Survey.objects.filter(name=survey).exists():
        names = ", ".join(Survey.objects.values_list("name", flat=True)) or "none"
        raise CommandError(f"no survey is called {survey!r}; there are: {names}")
    return list(cells.filter(survey__name=survey))


def plan(grid: Observation, parameters: ReferenceParameters) -> dict[str, Any]:
    """Say what a run would do for a cell, and why."""
    made = plan_for(grid, parameters)
    objection = made.objection(parameters)
    outcome = objection or f"a stack of {len(made.chosen)} would be built"
    return _facts(grid) | {
        "status": "planned",
        "would_build": not objection,
        "frames": [str(member.frame) for member in made.chosen],
        "left_out": made.refused,
        "expected_score": made.expected_score,
        "present_score": made.present_score,
        "outcome": outcome,
    }


def build(grid: Observation, parameters: ReferenceParameters) -> dict[str, Any]:
    """Look at a cell, and build its reference where that is better."""
    objection = plan_for(grid, parameters).objection(parameters)
    if objection:
        return _facts(grid) | {"status": "kept", "reference_image": None, "outcome": objection}
    try:
        run = stacks.open_run(grid, parameters)
    except AstridError as error:
        return _facts(grid) | {"status": "kept", "reference_image": None, "outcome": str(error)}
    tries = config.get("pipeline").max_retries
    pipeline.work_off(jobs.open_job(JobType.REFERENCE, grid, run, max_retries=tries).pk)
    run = ReferenceRun.objects.select_related("reference_image").get(pk=run.pk)
    return _facts(grid) | {
        "status": run.status,
        "reference_image": str(run.reference_image_id) if run.reference_image_id else None,
        "figures": run.figures,
        "outcome": run.outcome or run.error_message or "",
    }


def _facts(grid: Observation) -> dict[str, Any]:
    return {"grid": str(grid), "survey": str(grid.survey), "filter": grid.filter_band}


def show(found: list[dict[str, Any]]) -> None:
    """Print what came of each cell on standard error."""
    names = ["survey", "grid", "filter", "status", "outcome"]
    rows = [[str(each[name]) for name in names] for each in found]
    stderr.print(table("Sky cells", names, rows))
