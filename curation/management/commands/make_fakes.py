"""Inject sources into the frames of the latest inferences, to test curators with."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from astrid.core.commands import AstridCommand
from astrid.core.errors import AstridError
from astrid.core.models import RunStatus
from curation.fakes import make_fakes
from detection.models import ModelRun


class Command(AstridCommand):
    """Make fakes from real frames."""

    help = "Inject sources into real frames; queues mix those that the pipeline finds in unseen."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare how many, and where."""
        parser.add_argument("--run", help="id of an inference; without it, the latest ones")
        parser.add_argument("--runs", type=int, default=5, help="how many of the latest")
        parser.add_argument("--number", type=int, default=10, help="sources in each")
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        """Inject, and say how many were found again."""
        runs = ModelRun.objects.filter(
            status=RunStatus.COMPLETED, difference_run__is_comparison=False
        ).select_related("difference_run", "observation", "model")
        chosen = runs.filter(pk=options["run"]) if options["run"] else runs.order_by("-id")
        made, asked = 0, 0
        for offset, run in enumerate(chosen[: options["runs"]]):
            try:
                made += len(make_fakes(run, options["number"], options["seed"] + offset))
            except AstridError as error:
                raise CommandError(str(error)) from error
            asked += options["number"]
        if not asked:
            raise CommandError("no completed inference is there to inject into; run process first")
        self.stdout.write(f"{made} of {asked} injected sources were found and can be mixed in")
