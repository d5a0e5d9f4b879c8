"""Take images in."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from astrid.core.commands import AstridCommand
from astrid.core.console import progress
from astrid.core.errors import AstridError
from astrid.core.hints import nudge
from observations.models import ObservationRun
from observations.services import ingest_directory


class Command(AstridCommand):
    """Take in the FITS frames of a folder; frames that are known change nothing."""

    help = "Take in the FITS frames of a folder, by its rule file (docs/ingestion.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the folder and the rule file."""
        parser.add_argument("directory", type=Path)
        parser.add_argument("--rules", type=Path, help="rule file; else the folder's astrid.toml")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ingest, then say what happened to every file."""
        with progress(quiet=options["json"]) as bars:
            bar = bars.add_task("ingest", total=None)
            try:
                run = ingest_directory(
                    options["directory"],
                    rules_file=options["rules"],
                    progress=lambda done, total: bars.update(bar, completed=done, total=total),
                )
            except AstridError as error:
                raise CommandError(str(error)) from error
        if run.new:
            nudge("astrid.pipeline.sweep")
        self.stdout.write(json.dumps(summary(run)) if options["json"] else sentence(run))
        for refusal in run.refusals:
            self.stderr.write(f"refused {refusal['file']}: {refusal['reason']}")
        if run.refused:
            raise CommandError(f"{run.refused} of {run.found} files refused", returncode=1)


def summary(run: ObservationRun) -> dict[str, Any]:
    """Give what a pass did, as JSON."""
    counts = ("found", "new", "known", "refused", "left_out")
    return {
        "survey": run.survey.name,
        **{name: getattr(run, name) for name in counts},
        "refusals": run.refusals,
        "seconds": run.processing_time_seconds,
    }


def sentence(run: ObservationRun) -> str:
    """Give what a pass did, in words."""
    return (
        f"{run.survey}: {run.found} frames named by the rules, {run.new} new, {run.known} known, "
        f"{run.refused} refused, {run.left_out} other files left out"
    )
