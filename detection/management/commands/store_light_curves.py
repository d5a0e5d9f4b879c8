"""Bring the stored light curves of sky objects up to date."""

import json
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from astrid.core.commands import AstridCommand
from astrid.core.console import progress
from detection.curves.catchup import measured, store_all
from detection.models import SkyObject


class Command(AstridCommand):
    """Store forced photometry that the pipeline has left for later."""

    help = (
        "Store the forced photometry of sky objects in the light-curve store as it is now; what "
        "is stored already changes nothing (docs/lightcurves.md)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare whose."""
        parser.add_argument(
            "--object",
            nargs="+",
            metavar="NAME",
            help='designations, "AstrID J100000.00+020000.0"; else all objects',
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Store, then say how much was new."""
        things = named(options["object"]) if options["object"] else list(measured())
        datasets = 0
        with progress(quiet=options["json"]) as bars:
            bar = bars.add_task("objects", total=len(things))
            for done, new in store_all(things):
                datasets += new
                bars.advance(bar, done)
        found = {"objects": len(things), "datasets": datasets}
        words = f"{len(things)} objects: {datasets} new datasets"
        self.stdout.write(json.dumps(found) if options["json"] else words)


def named(names: list[str]) -> list[UUID]:
    """Give the keys of objects by their designations.

    Raises
    ------
    CommandError
        If there is no object of a name.
    """
    rows = SkyObject.objects.filter(designation__in=names).values_list("designation", "pk")
    found = dict(rows)
    if unknown := [name for name in names if name not in found]:
        raise CommandError(f"there is no object {', '.join(unknown)}")
    return list(found.values())
