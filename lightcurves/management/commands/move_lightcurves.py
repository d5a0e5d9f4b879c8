"""Move light curves between the database and files beside it."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from astrid.core.array_stores import STORES
from astrid.core.commands import AstridCommand
from astrid.core.console import progress
from lightcurves.models import Observation
from lightcurves.moving import move


class Command(AstridCommand):
    """Move arrays, verified, one observation at a time."""

    help = "Move the arrays of light curves into another store, verified (docs/lightcurves.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare where to, and of what."""
        parser.add_argument(
            "--to",
            required=True,
            choices=list(STORES),
            help="database: as they are; packed: compressed; shards: files beside the database",
        )
        parser.add_argument(
            "--observation", type=int, nargs="+", metavar="ID", help="only these; else all"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Move, then say what was moved."""
        keys = chosen(options["observation"])
        with progress(quiet=options["json"]) as bars:
            tracked = bars.track(keys, description="move")
            done = move(tracked, options["to"])
        found = {"observations": len(keys), "to": options["to"], **asdict(done)}
        self.stdout.write(json.dumps(found) if options["json"] else sentence(found))


def chosen(keys: list[int] | None) -> list[int]:
    """Give the observations to move.

    Raises
    ------
    CommandError
        If one that was asked for does not exist.
    """
    known = set(Observation.objects.order_by().values_list("pk", flat=True))
    if unknown := set(keys or ()) - known:
        raise CommandError(f"there is no observation {', '.join(map(str, sorted(unknown)))}")
    return sorted(known if keys is None else set(keys))


def sentence(found: dict[str, Any]) -> str:
    """Give what was moved, in words."""
    return (
        f"{found['observations']} observations: {found['arrays']} arrays "
        f"({found['bytes'] / 1e6:.1f} MB) moved to {found['to']} and compared, "
        f"{found['already_there']} were there already, {found['shards_deleted']} shards deleted"
    )
